export type Progress = {
  /** Runs `work` with signs of life; gives what it gives. `note` prints a line that belongs to the step. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T> | T): Promise<T>;
  /** Prints one line, ending a line of dots first. */
  line(text: string): void;
};

export function createProgress(stream?: NodeJS.WritableStream): Progress;
export function formatSeconds(ms: number): string;
