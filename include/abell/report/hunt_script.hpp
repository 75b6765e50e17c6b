#pragma once
/// Script of the Hunt's page: what stands on the page follows from the view of `hunt`, which keeps the answers (see
/// hunt_stores.hpp).

#include <string_view>

namespace abell::detail {

inline constexpr std::string_view hunt_script = R"js(
'use strict';
const at = id => document.getElementById(id);
const data = JSON.parse(at('data').textContent);
const figures = [...at('sky').children];

function nextTask(open) {
  if (open.length === 0) return 0;
  const [task, answer] = open[open.length - 1];
  return data.questions[task].answers[answer].next;
}

let answered = -Infinity;  // when the last one was
function answer(index) {
  const { subject, open } = hunt.view();
  if (!subject) return;
  const task = nextTask(open);
  if (index >= data.questions[task].answers.length) return;
  answered = performance.now();
  hunt.add([task, index, Date.now()]);
  show();
  at(hunt.view().subject || data.live ? 'question' : 'save').focus({ preventScroll: true });
}

// The second click of a double click was meant for the question before.
function clicked(event, index) {
  const twice = event.detail > 1 || (event.detail === 1 && performance.now() - answered < 300);
  if (!twice) answer(index);
}

function undo() {
  if (at('undo').disabled) return;
  hunt.undo();
  answered = -Infinity;
  show();
}

// Until an image has come, its frame is empty: it shows no other candidate.
function load(image, source) {
  if (image.getAttribute('src') === source) return;
  image.style.visibility = 'hidden';
  if (source) image.src = source;
  else image.removeAttribute('src');
}

function enlarge(figure) {
  for (const other of figures) {
    const large = other === figure && !other.classList.contains('large');
    other.classList.toggle('large', large);
    other.querySelector('button').setAttribute('aria-pressed', large);
  }
  at('sky').classList.toggle('one', figures.some(other => other.classList.contains('large')));
}

let drawn = '';  // the question that stands there
function show() {
  const { subject, open, done, total, canUndo, message, next, waiting } = hunt.view();
  at('count').textContent = total ? done + ' of ' + total : '';
  at('progress').max = total || 1;
  at('progress').value = done;
  at('undo').disabled = !canUndo;
  at('save').disabled = done === 0;
  at('sky').hidden = !subject && !waiting;
  load(at('wide'), subject && subject.xray);
  load(at('close'), subject && subject.xray);
  load(at('optical'), subject && subject.optical);
  for (const later of next || []) {  // comes from the browser's memory then
    new Image().src = later.xray;
    new Image().src = later.optical;
  }
  const question = subject && data.questions[nextTask(open)];
  const drawing = JSON.stringify([subject && done, question && question.task, message]);
  if (drawing === drawn) return;
  drawn = drawing;
  at('question').textContent = question ? question.text : message;
  at('answers').replaceChildren(...(question ? question.answers : []).map((choice, index) => {
    const button = document.createElement('button');
    const hint = document.createElement('kbd');
    hint.textContent = index + 1;
    button.append(hint, choice.label);
    button.addEventListener('click', event => clicked(event, index));
    return button;
  }));
}

function tutorial() {
  at('tutorial').showModal();
}
)js";

/// After the stores.
inline constexpr std::string_view hunt_start = R"js(
const hunt = data.live ? serverStore() : browserStore();
at('title').textContent = data.title;
at('undo').addEventListener('click', undo);
at('save').addEventListener('click', () => hunt.save());
at('help').addEventListener('click', tutorial);
at('anew').addEventListener('click', () => hunt.startAnew());
at('start').addEventListener('click', () => { at('tutorial').close(); hunt.seen(); });
for (const image of at('sky').querySelectorAll('img')) {
  for (const event of ['load', 'error']) image.addEventListener(event, () => { image.style.visibility = ''; });
}
for (const figure of figures) figure.querySelector('button').addEventListener('click', () => enlarge(figure));
document.addEventListener('keydown', event => {
  if (document.querySelector('dialog[open]') || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.repeat && (event.key === 'Enter' || event.key === ' ') && event.target.closest('button')) {
    event.preventDefault();  // a held key answers once
  }
  if (event.repeat || event.target.closest('input, select')) return;
  const pressed = event.key.toLowerCase();
  if (/^[1-9]$/.test(pressed)) answer(Number(pressed) - 1);
  else if (pressed === 'u') undo();
  else if (pressed === 's' && !at('save').hidden && !at('save').disabled) hunt.save();
  else if (pressed === 't') tutorial();
  else if (at('sky').hidden) return;
  else if ('xoc'.includes(pressed)) enlarge(figures['xoc'.indexOf(pressed)]);
  else if (pressed === 'escape') enlarge(null);
});
hunt.start();
)js";

}  // namespace abell::detail
