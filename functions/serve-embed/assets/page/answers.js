// The answers that the content asked for. In dual mode the page answers a repeated question itself, until the view is loaded again.

const MOST = 50;

export class AnswersOfView {
  #fetch; #kept = new Map();

  constructor(fetch) {
    this.#fetch = fetch;
  }

  async of(question, { isKept, isFresh }) {
    if (!isKept) return this.#fetch(question);
    const kept = this.#kept;
    const key = JSON.stringify(question);
    if (!isFresh && kept.has(key)) return kept.get(key);
    const answer = this.#fetch(question);
    kept.delete(key);
    kept.set(key, answer);
    if (kept.size > MOST) kept.delete(kept.keys().next().value);
    try {
      return await answer;
    } catch (problem) {
      if (kept.get(key) === answer) kept.delete(key);
      throw problem;
    }
  }

  forget() {
    this.#kept = new Map();
  }
}
