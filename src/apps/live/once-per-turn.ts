/**
 * Has work done once for all that came in one turn of the event loop. Frames come many to a piece of
 * data: each on its own would pay for a commit of the journal, and the last would wait for all before.
 */
export function oncePerTurn(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      work();
    });
  };
}
