/** A run that is stopped waits so long for the venue's word once nothing is open. */
const WAIT_US = 6_000_000;

/** Lets a run end once its view is the venue's, or the venue has not said for a while. */
export class LastWord {
  #busyUs = -Infinity;

  /** Call it after every input; `isBusy` while the run is not stopped or has open orders. */
  mayEnd(isBusy: boolean, isSettled: boolean, nowUs: number): boolean {
    if (isBusy) {
      this.#busyUs = nowUs;
      return false;
    }
    return isSettled || nowUs - this.#busyUs >= WAIT_US;
  }
}
