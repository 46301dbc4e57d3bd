#!/usr/bin/env bash
# The npm package ml-confusion-matrix gives the false negative rate as false omission rate: 0.5 instead of 0.053.
#
# Expectation, written after its source was read: of 95 pictures not called fear, 5 show fear, which is 5 / 95.
# Source: README: the metrics follow https://en.wikipedia.org/wiki/Confusion_matrix, where it is FN / (FN + TN), and
# 1 less the negative predictive value, which the package has too.
# What happens: FN / (FN + TP) is computed, the share of fear that was missed, which getFalseNegativeRate gives as well.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . ml-confusion-matrix@2.0.0 > log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const assert = require('assert');
const { ConfusionMatrix } = require('ml-confusion-matrix');
console.log('ml-confusion-matrix', require('./node_modules/ml-confusion-matrix/package.json').version);

const shown = [...Array(10).fill('fear'), ...Array(90).fill('other')];
const said = [...Array(5).fill('fear'), ...Array(95).fill('other')];
const matrix = ConfusionMatrix.fromLabels(shown, said);
const omission = matrix.getFalseOmissionRate('fear');
const expected = 1 - matrix.getNegativePredictiveValue('fear');
console.log(`negative predictive value ${matrix.getNegativePredictiveValue('fear').toFixed(3)}`);
console.log(`false omission rate ${omission.toFixed(3)}, expected ${expected.toFixed(3)}`);
console.log(`false negative rate ${matrix.getFalseNegativeRate('fear').toFixed(3)}`);
assert(Math.abs(expected - 5 / 95) < 1e-12);
assert.strictEqual(omission, matrix.getFalseNegativeRate('fear'), 'this has changed');
assert.strictEqual(omission, 0.5, 'this has changed');
JS
node run.cjs
