// Two tones, made in the browser. A browser plays nothing before the person has done something on the page.

let context: AudioContext | undefined;

/** Makes ready to play; to be called while the person does something. */
export async function unlock(): Promise<void> {
  context ??= new AudioContext();
  await context.resume();
}

/** Whether a sound would be heard. */
export function isUnlocked(): boolean {
  return context?.state === "running";
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

/** Somebody calls for help. */
export function playAlarm(): void {
  for (const round of [0, 0.6]) {
    tone(880, round, 0.25, 0.5);
    tone(659, round + 0.27, 0.25, 0.5);
  }
}

/** Something technical wants to be looked at. */
export function playNotice(): void {
  tone(523, 0, 0.2, 0.2);
}
