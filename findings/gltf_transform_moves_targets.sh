#!/usr/bin/env bash
# glTF-Transform's transformMesh adds the move of a mesh to each of its blendshapes too.
#
# Guess before the run: a mesh that is moved by 10 and enlarged twice has displacements twice as long, and no move in
# them.
# Source: glTF 2.0, section 3.7.2.2 on morph targets: they are displacements, which the weights multiply and which are
# added to the base. The docs of transformMesh and clearNodeTransform: the transform is applied to the mesh.
# What happens: each displacement has the move in it as well. A smile of weight 1 carries the whole face 10 units
# away, and two expressions at once 20. clearNodeTransform does the same to an avatar whose head node has a place of
# its own. Leave nodes with blendshapes as they are, or move the targets back.
#
# Needs node 18 or later, npm and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @gltf-transform/core@4.5.1 \
  @gltf-transform/functions@4.5.1 > log 2>&1 || { cat log; exit 1; }
cat > run.mjs <<'JS'
import assert from 'node:assert';
import fs from 'node:fs';
import { Document } from '@gltf-transform/core';
import { clearNodeTransform, transformMesh } from '@gltf-transform/functions';

const packages = 'node_modules/@gltf-transform/functions/package.json';
console.log('@gltf-transform/functions', JSON.parse(fs.readFileSync(packages)).version);

// A triangle whose smile lifts its third corner by 0.1.
function avatar() {
  const document = new Document();
  const buffer = document.createBuffer();
  const points = (list) => document.createAccessor().setType('VEC3').setArray(new Float32Array(list)).setBuffer(buffer);
  const base = points([0, 0, 0, 1, 0, 0, 0, 1, 0]);
  const smile = points([0, 0, 0, 0, 0, 0, 0, 0.1, 0]);
  const primitive = document.createPrimitive().setAttribute('POSITION', base);
  primitive.addTarget(document.createPrimitiveTarget('smile').setAttribute('POSITION', smile));
  const mesh = document.createMesh('face').addPrimitive(primitive);
  const node = document.createNode('head').setMesh(mesh);
  document.createScene().addChild(node);
  return { primitive, mesh, node };
}

const rounded = (accessor) => Array.from(accessor.getArray(), (value) => Math.round(value * 1000) / 1000);
const ways = {
  transformMesh: ({ mesh }) => transformMesh(mesh, [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 10, 0, 0, 1]),
  clearNodeTransform: ({ node }) => clearNodeTransform(node.setTranslation([10, 0, 0]).setScale([2, 2, 2])),
};
for (const [name, move] of Object.entries(ways)) {
  const made = avatar();
  move(made);
  const base = rounded(made.primitive.getAttribute('POSITION'));
  const smile = rounded(made.primitive.listTargets()[0].getAttribute('POSITION'));
  console.log(`${name}: base ${base}; displacements of the smile ${smile}, expected 0,0,0,0,0,0,0,0.2,0`);
  assert.deepEqual(base, [10, 0, 0, 12, 0, 0, 10, 2, 0]);
  assert.deepEqual(smile, [10, 0, 0, 10, 0, 0, 10, 0.2, 0], 'this has changed');
}
JS
node run.mjs
