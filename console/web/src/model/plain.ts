// Text of strangers, without the signs that turn the direction of what follows: with them a name can pass for another one. Pure.

/** The text as it reads. */
export function plain(text: string): string {
  return text.replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}
