// Two tones, made in the browser. A browser plays nothing before the person has done something on the page.

/** Length of an alarm, in seconds. */
const ALARM_S = 1.2;

let context: AudioContext | undefined;

/** When the last alarm ends, by the clock of the sound. */
let busyUntil = 0;

/**
 * Makes ready to play; to be called while the person does something. `changed` hears whether a sound would be heard now, also
 * when the browser takes that back later.
 */
export async function unlock(changed: (isUnlocked: boolean) => void): Promise<void> {
  context ??= new AudioContext();
  const sound = context;
  sound.onstatechange = () => changed(sound.state === "running");
  await sound.resume();
  changed(sound.state === "running");
}

function tone(frequency: number, after: number, length: number, volume: number): void {
  if (context === undefined) return;
  const start = context.currentTime + after;
  const oscillator = new OscillatorNode(context, { type: "triangle", frequency });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(volume, start + 0.02);
  gain.gain.setValueAtTime(volume, start + length - 0.05);
  gain.gain.linearRampToValueAtTime(0, start + length);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + length);
}

/** Somebody calls for help. Of many at once, one is heard. */
export function playAlarm(): void {
  if (context === undefined || context.currentTime < busyUntil) return;
  busyUntil = context.currentTime + ALARM_S;
  for (const round of [0, 0.6]) {
    tone(880, round, 0.25, 0.5);
    tone(659, round + 0.27, 0.25, 0.5);
  }
}

/** Something technical wants to be looked at. */
export function playNotice(): void {
  if (context === undefined || context.currentTime < busyUntil) return;
  busyUntil = context.currentTime + 0.3;
  tone(523, 0, 0.2, 0.2);
}
