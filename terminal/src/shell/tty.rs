//! The terminal: keys in, pictures out.
//!
//! Invariant: it is given back as it was, also after a panic.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::sync::Once;

use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, EventStream, KeyCode, KeyEvent, KeyEventKind,
    KeyModifiers,
};
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use futures::StreamExt as _;
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::Error;
use crate::key::Key;

/// Keeps the title of the window, and brings it back (XTWINOPS 22 and 23).
const KEEP_TITLE: &str = "\u{1b}[22;0t";
const BRING_TITLE_BACK: &str = "\u{1b}[23;0t";

const BELL: &str = "\u{7}";

/// What the terminal says.
pub(super) enum Heard {
    Key(Key),
    Size(u16, u16),
    Nothing,
}

/// A terminal that is ours until this is dropped.
pub(super) struct Tty {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    events: EventStream,
    title: String,
}

impl Tty {
    pub(super) fn open() -> Result<Self, Error> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Error::NoTerminal);
        }
        give_back_on_panic();
        enable_raw_mode()?;
        // From here on it is given back, whatever fails.
        let tty = Terminal::new(CrosstermBackend::new(io::stdout())).map(|terminal| Self {
            terminal,
            events: EventStream::new(),
            title: String::new(),
        });
        let tty = tty.inspect_err(|_| give_back())?;
        // Not by `Terminal::clear`, which waits for a terminal that says where its cursor is.
        let clear = Clear(ClearType::All);
        execute!(io::stdout(), Print(KEEP_TITLE), EnterAlternateScreen, EnableBracketedPaste, clear)?;
        Ok(tty)
    }

    pub(super) fn size(&self) -> Result<(u16, u16), Error> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// What it says next. Cancel safe.
    pub(super) async fn heard(&mut self) -> Result<Heard, Error> {
        match self.events.next().await {
            Some(event) => Ok(heard(event?)),
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }

    /// Rings the bell with the next picture.
    pub(super) fn ring(&mut self) {
        // A bell that cannot be written is told by the next picture, which cannot either.
        let _ = queue!(io::stdout(), Print(BELL));
    }

    /// Names the window, where that is another name.
    pub(super) fn title(&mut self, title: &str) -> Result<(), Error> {
        if self.title != title {
            title.clone_into(&mut self.title);
            queue!(io::stdout(), SetTitle(title))?;
        }
        Ok(())
    }

    pub(super) fn paint(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> Result<(), Error> {
        self.terminal.draw(picture)?;
        io::stdout().flush()?;
        Ok(())
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // Whoever ends has nobody left to tell.
    let _ = disable_raw_mode();
    let _ = execute!(
        io::stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Print(BRING_TITLE_BACK),
        cursor::Show
    );
}

/// A panic is told on a terminal where it can be read.
fn give_back_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            tell(panic);
        }));
    });
}

fn heard(event: Event) -> Heard {
    match event {
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => Heard::Nothing,
        Event::Key(event) => key(event).map_or(Heard::Nothing, Heard::Key),
        Event::Paste(text) => Heard::Key(Key::Paste(text)),
        Event::Resize(columns, rows) => Heard::Size(columns, rows),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => Heard::Nothing,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    let is_chord = event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    Some(match event.code {
        KeyCode::Char(c) if event.modifiers == KeyModifiers::CONTROL => Key::Ctrl(c),
        KeyCode::Char(_) if is_chord => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
