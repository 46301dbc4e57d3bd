/** Orders rows of figures so that rows which are about equal do not change places all the time. */

const OVERTAKING_SHARE = 0.03; // by which a value must be greater than the row above to move up

/**
 * Orders the indices of `values` from the greatest. Values that are about equal keep their order.
 *
 * @param before - the order of the reading before; [] for none, which orders exactly
 */
export function orderSteadily(before, values) {
  const all = [...values.keys()];
  let order = [...before, ...all.filter((one) => !before.includes(one))];
  if (order.length !== values.length) order = all;
  const margin = before.length > 0 ? OVERTAKING_SHARE : 0;
  for (let end = 1; end < order.length; end += 1) {
    for (let at = end; at > 0 && values[order[at]] > values[order[at - 1]] + margin; at -= 1) {
      [order[at - 1], order[at]] = [order[at], order[at - 1]];
    }
  }
  return order;
}
