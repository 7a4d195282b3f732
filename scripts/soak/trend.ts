/**
 * The trend of a figure that goes up and down like memory under a garbage collector: the line through the lowest values of
 * equal stretches of time. Pure.
 */
export type Point = { minutes: number; value: number };

export type Trend = {
  /** Change of the floor per minute. */
  perMinute: number;
  /** Standard error of it. */
  error: number;
  /** Length of what was fitted. */
  minutes: number;
};

const STRETCHES_MAX = 12;
const STRETCHES_MIN = 4;
const POINTS_PER_STRETCH = 3;

/** Undefined when there are too few points to tell a trend from noise. */
export function fitTrend(points: readonly Point[]): Trend | undefined {
  const stretches = Math.min(STRETCHES_MAX, Math.floor(points.length / POINTS_PER_STRETCH));
  if (stretches < STRETCHES_MIN) return undefined;
  const sorted = [...points].sort((a, b) => a.minutes - b.minutes);
  const floors: Point[] = [];
  for (let index = 0; index < stretches; index++) {
    const [from, to] = [index, index + 1].map((edge) => Math.floor((edge * sorted.length) / stretches));
    const lowest = sorted.slice(from, to).reduce((least, one) => (one.value < least.value ? one : least));
    floors.push(lowest);
  }
  const { slope, error } = leastSquares(floors);
  const [first, last] = [sorted[0], sorted.at(-1)];
  return { perMinute: slope, error, minutes: (last?.minutes ?? 0) - (first?.minutes ?? 0) };
}

function leastSquares(points: readonly Point[]): { slope: number; error: number } {
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const middle = { minutes: mean(({ minutes }) => minutes), value: mean(({ value }) => value) };
  const spread = points.reduce((sum, { minutes }) => sum + (minutes - middle.minutes) ** 2, 0);
  const slope =
    points.reduce((sum, { minutes, value }) => sum + (minutes - middle.minutes) * (value - middle.value), 0) / spread;
  const rest = points.reduce(
    (sum, { minutes, value }) => sum + (value - middle.value - slope * (minutes - middle.minutes)) ** 2,
    0,
  );
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) };
}
