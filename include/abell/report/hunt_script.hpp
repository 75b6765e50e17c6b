#pragma once
/// Style, text and script of the Hunt's page. All state is the list of answers given so far: what stands on the page
/// follows from it, and undo takes the last one away.

#include <string_view>

namespace abell::detail {

inline constexpr std::string_view hunt_style = R"css(
main { padding-top: 20px; }
.bar { display: flex; gap: 14px; align-items: center; margin: 0 0 14px; }
.bar h1 { font-size: 19px; flex: 1; }
progress { width: 100%; height: 8px; accent-color: var(--first); }
.sky { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px; margin: 12px 0; }
.sky .frame { overflow: hidden; aspect-ratio: 1; border-radius: 4px; background: #000; }
.sky img { width: 100%; height: 100%; display: block; image-rendering: pixelated; }
.sky figure { cursor: zoom-in; }
.sky .large { grid-column: 1 / -1; order: -1; cursor: zoom-out; max-width: min(100%, 80vh); }
.sky .close img { transform: scale(3); }
#question { font-size: 18px; font-weight: 600; margin: 16px 0 12px; max-width: none; }
#answers { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
button { font: inherit; color: var(--text); background: var(--panel); border: 1px solid var(--axis); border-radius: 8px;
  padding: 12px 16px; min-height: 48px; text-align: left; cursor: pointer; touch-action: manipulation; }
button:hover { border-color: var(--first); }
button:focus-visible, input:focus-visible { outline: 3px solid var(--first); outline-offset: 2px; }
button:disabled { opacity: 0.45; cursor: default; }
kbd { font: 13px ui-monospace, monospace; color: var(--muted); border: 1px solid var(--axis); border-radius: 4px;
  padding: 1px 6px; margin-right: 8px; }
.tools { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 22px; align-items: center; }
.tools label { color: var(--muted); flex: 1 1 200px; }
input { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--axis); border-radius: 8px;
  padding: 10px 12px; min-height: 48px; width: 100%; max-width: 260px; }
dialog { color: var(--text); background: var(--page); border: 1px solid var(--axis); border-radius: 12px;
  max-width: min(60ch, calc(100vw - 32px)); padding: 24px; }
dialog::backdrop { background: rgba(0, 0, 0, 0.5); }
dialog h2 { margin: 0 0 10px; padding: 0; border: 0; }
@media (max-width: 600px) { kbd { display: none; } .sky { gap: 6px; } #answers { grid-template-columns: 1fr; } }
)css";

inline constexpr std::string_view hunt_body = R"html(
<div class="bar"><h1 id="title"></h1><span id="count"></span></div>
<progress id="progress" value="0" aria-label="candidates done"></progress>
<div class="sky" id="sky">
<figure><div class="frame"><img id="wide" alt="X-ray image, whole field"></div><figcaption>1: X-ray</figcaption></figure>
<figure><div class="frame"><img id="optical" alt="optical image"></div><figcaption>2: optical</figcaption></figure>
<figure><div class="frame close"><img id="close" alt="X-ray image, centre"></div>
<figcaption>3: X-ray, centre</figcaption></figure>
</div>
<p id="question" aria-live="polite"></p>
<div id="answers"></div>
<div class="tools">
<button id="undo"><kbd>U</kbd>Undo</button>
<button id="save"><kbd>S</kbd>Save CSV</button>
<button id="help"><kbd>T</kbd>Tutorial</button>
<label>Your name <input id="user" autocomplete="name" maxlength="60"></label>
</div>
<dialog id="tutorial">
<h2>How to hunt galaxy clusters</h2>
<p>Each candidate has three images of the same place. Image 1 is the X-ray sky, a field of about 6 arcminutes; image 3
is its centre, three times larger; image 2 shows the whole field in visible light. A click or touch enlarges an image.</p>
<p>Hot gas between the galaxies of a cluster shines in X-rays: a cluster is a <b>fuzzy, extended</b> glow. Stars and
active galaxies are <b>points</b>: as small as the telescope's blur. Emission that follows a straight edge or a gap of
the detector is no source.</p>
<p>In visible light a <b>nearby</b> cluster is a crowd of galaxies, often with a large one in its middle. A
<b>distant</b> one shows very faint galaxies, or none. One single large galaxy may glow in X-rays by itself.</p>
<p>Answer with the buttons or the keys 1 to 4. U takes the last answer back, S saves all finished candidates as CSV, T
shows this text. Your answers stay in this browser until you come back.</p>
<button id="start">Start</button>
</dialog>
)html";

inline constexpr std::string_view hunt_script = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const at = id => document.getElementById(id);
const key = 'abell-hunt-' + data.set;

// answers: [task, answer, time in ms] of each, in order; began: when the page was opened for the first time;
// volunteer: tells those who give no name apart.
const random = Array.from(crypto.getRandomValues(new Uint8Array(6)), byte => byte.toString(16).padStart(2, '0'));
let state = { user: '', answers: [], began: Date.now(), seen: false, volunteer: random.join('') };
try {
  state = Object.assign(state, JSON.parse(localStorage.getItem(key)) || {});
} catch (error) { /* no storage in this browser, or nothing usable in it: start afresh */ }
function keep() {
  try { localStorage.setItem(key, JSON.stringify(state)); } catch (error) { /* the page works without */ }
}

// The finished candidates with their answers, and the answers to the open one.
function replay() {
  const done = [];
  let open = [];
  for (const answer of state.answers) {
    open.push(answer);
    if (data.questions[answer[0]].answers[answer[1]].next < 0) {
      done.push(open);
      open = [];
    }
  }
  return { done, open };
}

function nextTask(open) {
  if (open.length === 0) return 0;
  const [task, answer] = open[open.length - 1];
  return data.questions[task].answers[answer].next;
}

function answer(index) {
  const { done, open } = replay();
  const task = nextTask(open);
  if (done.length >= data.subjects.length || index >= data.questions[task].answers.length) return;
  state.answers.push([task, index, Date.now()]);
  keep();
  show();
}

function undo() {
  state.answers.pop();
  keep();
  show();
}

function show() {
  const { done, open } = replay();
  const total = data.subjects.length;
  const finished = done.length >= total;
  at('count').textContent = done.length + ' of ' + total;
  at('progress').max = total;
  at('progress').value = done.length;
  at('undo').disabled = state.answers.length === 0;
  at('save').disabled = done.length === 0;
  at('sky').hidden = finished;
  at('answers').replaceChildren();
  if (finished) {
    at('question').textContent = 'All candidates are classified. Save your answers.';
    at('save').focus();
    return;
  }
  const subject = data.subjects[done.length];
  at('wide').src = at('close').src = subject.xray;
  at('optical').src = subject.optical;
  const question = data.questions[nextTask(open)];
  at('question').textContent = question.text;
  question.answers.forEach((choice, index) => {
    const button = document.createElement('button');
    const hint = document.createElement('kbd');
    hint.textContent = index + 1;
    button.append(hint, choice.label);
    button.addEventListener('click', () => answer(index));
    at('answers').append(button);
  });
}

function utc(ms) {
  return new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

// A classification export as Panoptes writes it (RFC 4180). An apostrophe guards what a spreadsheet would evaluate.
function csv() {
  const formula = text => /^'*[\t\r\n]*[=+@-]/.test(text) && !/^[+-][\d.: ]+$/.test(text);
  const guard = text => formula(text) ? "'" + text : text;
  const quote = text => /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  const rows = [['classification_id', 'user_name', 'user_id', 'user_ip', 'workflow_id', 'workflow_name',
    'workflow_version', 'created_at', 'gold_standard', 'expert', 'metadata', 'annotations', 'subject_data',
    'subject_ids']];
  let started = state.began;
  replay().done.forEach((answers, index) => {
    const finished = answers[answers.length - 1][2];
    const metadata = { source: 'abell-votes page', set: data.set, volunteer: state.volunteer,
      started_at: new Date(started).toISOString(), finished_at: new Date(finished).toISOString() };
    const annotations = answers.map(([task, choice]) => ({ task: data.questions[task].task,
      task_label: data.questions[task].text, value: data.questions[task].answers[choice].label }));
    const subject = data.set + '-' + (index + 1);
    rows.push([String(index + 1), state.user.trim() || 'expert-' + state.volunteer, '', '', '1', data.workflow, '1.1',
      utc(finished), 'true', 'expert', JSON.stringify(metadata), JSON.stringify(annotations),
      JSON.stringify({ [subject]: { retired: null, image_id: data.subjects[index].id } }), subject]);
    started = finished;
  });
  return rows.map(row => row.map(guard).map(quote).join(',') + '\n').join('');
}

function save() {
  if (at('save').disabled) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
  link.download = 'hunt-classifications.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function start() {
  at('tutorial').close();
  state.seen = true;
  keep();
}

at('title').textContent = data.title;
at('user').value = state.user;
at('user').addEventListener('input', () => { state.user = at('user').value; keep(); });
at('undo').addEventListener('click', undo);
at('save').addEventListener('click', save);
at('help').addEventListener('click', () => at('tutorial').showModal());
at('start').addEventListener('click', start);
for (const figure of at('sky').children) figure.addEventListener('click', () => figure.classList.toggle('large'));
document.addEventListener('keydown', event => {
  if (event.target === at('user') || event.ctrlKey || event.metaKey || event.altKey || at('tutorial').open) return;
  const pressed = event.key.toLowerCase();
  if (/^[1-9]$/.test(pressed)) answer(Number(pressed) - 1);
  else if (pressed === 'u') undo();
  else if (pressed === 's') save();
  else if (pressed === 't') at('tutorial').showModal();
});
keep();
show();
if (!state.seen) at('tutorial').showModal();
)js";

}  // namespace abell::detail
