/**
 * Locates the pose of a head as three axes at the tip of its nose, as `app/overlay/head_axes.py`
 * does. The line that ends in a dot is where the nose points, the long one goes up through the head,
 * the short one to the subject's left.
 */

const NOSE_SHARE = 0.55; // of the box's width: the nose's line where it is seen from the side
const UP_SHARE = 0.4;
const ASIDE_SHARE = 0.25;
export const THICK_SHARE = 0.02; // of the box's width: how thick a line is
export const AXIS_COLOURS = ["#e69f00", "#f0e442", "#56b4e9"]; // to the side, up, along the nose

/**
 * Locates the axes of a face with `actions`, px of its picture: {start, ends}, where `ends` are
 * those to the side, up and along the nose.
 */
export function locateAxes({ width, landmarks, actions }) {
  const start = landmarks.nose_tip;
  const turn = makeTurn(actions.head_yaw_deg, actions.head_pitch_deg, actions.head_roll_deg);
  const ends = [ASIDE_SHARE, UP_SHARE, NOSE_SHARE].map((share, axis) => [
    start[0] + width * share * turn[0][axis],
    start[1] - width * share * turn[1][axis], // y points down on the canvas
  ]);
  return { start, ends };
}

/** Makes the first two rows of the rotation Rz(roll) Ry(yaw) Rx(pitch), of angles in degrees. */
function makeTurn(...degrees) {
  const [yaw, pitch, roll] = degrees.map((angle) => (angle * Math.PI) / 180);
  const [sy, cy] = [Math.sin(yaw), Math.cos(yaw)];
  const [sx, cx] = [Math.sin(pitch), Math.cos(pitch)];
  const [sz, cz] = [Math.sin(roll), Math.cos(roll)];
  const first = [cy, sy * sx, sy * cx]; // of Ry Rx
  const second = [0, cx, -sx];
  return [
    first.map((value, at) => cz * value - sz * second[at]),
    first.map((value, at) => sz * value + cz * second[at]),
  ];
}
