// Steps of time, stacks, and the choice of points where there are too many to see.

const MOST_POINTS = 2000;
const MONTHS = { year: 12, quarter: 3, month: 1 };
const LENGTHS = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000 };

export function stepFrom(time, unit) {
  if (!MONTHS[unit]) return time + (LENGTHS[unit] ?? LENGTHS.day);
  const at = new Date(time);
  at.setUTCMonth(at.getUTCMonth() + MONTHS[unit]);
  return at.getTime();
}

// Keeps the first, last, lowest and highest point of each stretch, which draws the same line.
export function shareOut(model, say) {
  const { x, series, notes } = model;
  const count = x.points.length;
  if (count <= MOST_POINTS) return;
  const total = x.points.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const kept = new Set();
  const stretches = MOST_POINTS / 4;
  for (let stretch = 0; stretch < stretches; stretch++) {
    const [from, to] = [stretch, stretch + 1].map((edge) => Math.floor((edge * count) / stretches));
    let [low, high] = [from, from];
    for (let index = from; index < to; index++) {
      if (total[index] < total[low]) low = index;
      if (total[index] > total[high]) high = index;
    }
    for (const index of [from, low, high, to - 1]) kept.add(index);
  }
  const keep = (_, index) => kept.has(index);
  x.points = x.points.filter(keep);
  for (const one of series) for (const part of ["values", "raw"]) one[part] = one[part].filter(keep);
  notes.push(say("thinned", { n: x.points.length, of: count }));
}

// Returns the ends of each mark as `[low, high][series][point]`. What is above zero stacks up, what is below stacks down.
export function stackUp(series, type, count) {
  if (!type) return series.map(({ values }) => values.map((value) => (value === null ? null : [0, value])));
  const ends = series.map(() => Array(count).fill(null));
  for (let point = 0; point < count; point++) {
    const sum = type === "normalized" ? series.reduce((sum, { values }) => sum + Math.abs(values[point] ?? 0), 0) || 1 : 1;
    let [up, down] = [0, 0];
    series.forEach(({ values, mark }, index) => {
      const value = values[point] ?? (mark === "area" ? 0 : null);
      if (value === null) return;
      const from = value < 0 ? down : up;
      const to = from + value / sum;
      if (value < 0) down = to;
      else up = to;
      ends[index][point] = [from, to];
    });
  }
  return ends;
}
