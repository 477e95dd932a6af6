//! The loop between keys, the server and the terminal.
//!
//! One event, one turn: wait, let the screen decide, act. Whatever waits for the server is a task that this loop owns.
//! Invariant: the terminal is as it was before, however the console ends.

mod answers;
mod asker;
mod tty;
mod watch;

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::link::Link;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::clock::Moment;
use crate::draw;
use crate::screen::{Effect, Screen};

use answers::{Answer, Desks};
use tty::{Heard, Tty};
use watch::Word;

pub use watch::is_final;

/// Time between two ticks: ages count in seconds.
const TICK: Duration = Duration::from_millis(500);

/// Shortest time between two pictures.
const FRAME: Duration = Duration::from_millis(33);

/// Time that orders under way have to be answered once the operator quits.
const DRAIN: Duration = Duration::from_secs(2);

/// Words of the watch that wait for the loop. At the limit the watch waits, and the server with it (P10).
const WORDS_MAX: usize = 256;

/// What may go wrong outside.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A way to connect, with everything that belongs to it read again each time.
pub type Connect = Arc<dyn Fn() -> BoxFuture<'static, Result<Link, BoxError>> + Send + Sync>;

type Client = AlertServiceClient<Link>;

/// Who sits where.
#[derive(Clone)]
pub struct Desk {
    /// The operator's name, where the server believes it.
    pub operator: String,
    /// How to connect.
    pub connect: Connect,
    /// What the request ids of this console begin with, and those of no other; at most 64 bytes.
    pub request_ids: String,
}

/// Why the console ended, where nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no terminal.
    #[error("the console needs a terminal; `sos alerts watch` does without")]
    NoTerminal,
    /// The terminal is gone.
    #[error("the terminal failed")]
    Terminal(#[from] std::io::Error),
    /// A fault of ours.
    #[error("a task of the console ended")]
    Task(#[from] tokio::task::JoinError),
}

/// What the loop turns on.
enum Event {
    Heard(Heard),
    Word(Word),
    Answer(Answer),
    Tick,
    Frame,
    Stop,
}

struct Shell {
    desk: Desk,
    tty: Tty,
    screen: Screen,
    started: Instant,
    tick: Interval,
    words: mpsc::Receiver<Word>,
    /// The watch that is under way.
    watch: JoinSet<()>,
    desks: Desks,
    /// Something has changed since the last picture, which was then.
    is_changed: bool,
    painted: Instant,
}

/// Runs the console until the operator quits or `stop` is there. Answers, once the terminal is given back, with what
/// was ordered at the end and is not known to be done: a sentence each.
///
/// # Errors
/// If there is no terminal, or it is gone.
pub async fn run(desk: Desk, stop: impl Future<Output = ()>) -> Result<Vec<String>, Error> {
    let tty = Tty::open()?;
    let started = Instant::now();
    let (mut screen, effects) = Screen::new(&desk.request_ids, TimeZone::system(), Moment::ZERO);
    let (columns, rows) = tty.size()?;
    screen.resize(columns, rows);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shell = Shell {
        desks: Desks::new(&desk),
        desk,
        tty,
        screen,
        started,
        tick,
        words: mpsc::channel(1).1,
        watch: JoinSet::new(),
        is_changed: true,
        painted: started,
    };
    shell.act(effects);
    let stop = std::pin::pin!(stop);
    let turned = shell.turn(stop).await;
    // What was ordered is meant: it is given a moment to arrive, also where the terminal is gone.
    let answers = shell.desks.drain(tokio::time::Instant::now() + DRAIN).await;
    turned?;
    Ok(shell.part(answers))
}

impl Shell {
    async fn turn(&mut self, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Result<(), Error> {
        loop {
            let event = self.next(stop.as_mut()).await?;
            let now = self.started.elapsed();
            let effects = match event {
                Event::Frame => {
                    self.paint(now)?;
                    continue;
                }
                Event::Stop => return Ok(()),
                Event::Heard(Heard::Key(key)) => self.screen.key(key, now),
                Event::Heard(Heard::Size(columns, rows)) => {
                    self.screen.resize(columns, rows);
                    Vec::new()
                }
                Event::Heard(Heard::Nothing) => continue,
                Event::Word(Word::Open { client, session }) => {
                    self.desks.meet(*client);
                    self.screen.opened(session, now)
                }
                Event::Word(Word::Step(step)) => self.screen.apply(*step, now),
                Event::Word(Word::Lost { loss, is_other_log }) => {
                    self.screen.lost(loss, is_other_log, now);
                    Vec::new()
                }
                Event::Answer(Answer::Order { alert_id, outcome }) => {
                    self.screen.answered(&alert_id, outcome, now)
                }
                Event::Answer(Answer::Look { alert_id, answer }) => {
                    self.screen.looked(&alert_id, answer.map(|alert| *alert))
                }
                Event::Answer(Answer::Closed(answer)) => {
                    self.screen.listed_closed(answer, now);
                    Vec::new()
                }
                Event::Tick => self.screen.tick(now),
            };
            self.is_changed = true;
            if effects.contains(&Effect::Quit) {
                return Ok(());
            }
            self.act(effects);
        }
    }

    async fn next(&mut self, stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Result<Event, Error> {
        let is_changed = self.is_changed;
        let rest = FRAME.saturating_sub(self.painted.elapsed());
        let frame = async { if is_changed { sleep(rest).await } else { pending().await } };
        Ok(tokio::select! {
            biased;
            () = stop => Event::Stop,
            heard = self.tty.heard() => Event::Heard(heard?),
            () = frame => Event::Frame,
            _ = self.tick.tick() => Event::Tick,
            answer = self.desks.answer() => Event::Answer(answer?),
            Some(word) = self.words.recv() => Event::Word(word),
            Some(ended) = self.watch.join_next() => {
                // A watch that has ended has said why, or was not wanted any more.
                ended?;
                Event::Tick
            }
        })
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Quit => {}
                Effect::Ring => self.tty.ring(),
                Effect::Connect { after_position } => {
                    let (say, words) = mpsc::channel(WORDS_MAX);
                    // Dropping the old task and its channel: nothing of the old watch is heard any more.
                    self.watch = JoinSet::new();
                    self.words = words;
                    self.watch.spawn(watch::run(self.desk.clone(), after_position, say));
                }
                Effect::Send(order) => self.desks.send(order),
                Effect::Look(alert_id) => self.desks.look(alert_id),
                Effect::ListClosed => self.desks.list_closed(),
            }
        }
    }

    /// What is left to tell of orders with these last answers, or with none.
    fn part(&mut self, answers: Vec<Answer>) -> Vec<String> {
        let now = self.started.elapsed();
        let mut left = Vec::new();
        for answer in answers {
            if let Answer::Order { alert_id, outcome } = answer {
                left.extend(self.screen.parting(&alert_id, &outcome, now));
            }
        }
        left.extend(self.screen.unanswered(now));
        left
    }

    fn paint(&mut self, now: Moment) -> Result<(), Error> {
        self.tty.title(&self.screen.title(now))?;
        self.tty.paint(|frame| draw::draw(frame, &self.screen, now))?;
        self.is_changed = false;
        self.painted = Instant::now();
        Ok(())
    }
}
