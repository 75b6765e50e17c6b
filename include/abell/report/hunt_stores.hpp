#pragma once
/// Where the Hunt's page keeps the answers: in the browser, or at a server. Both stores have the same functions:
///
/// - view(): the open candidate `subject` (none at the end, where `message` says why), its answers so far `open`, as
///   [task, answer, time in ms], the counts `done` and `total`, `canUndo`, whether it is `waiting` for a candidate, and
///   those to come, if known;
/// - add(answer), undo(), save(), startAnew() for the next person, seen() the tutorial, and start().

#include <string_view>

namespace abell::detail {

/// Each person's answers are kept under a key of their own, and under the set's key who they are. All state is the list
/// of answers given so far: undo takes the last one away.
inline constexpr std::string_view hunt_browser_store = R"js(
function browserStore() {
  const setKey = 'abell-hunt-' + data.set;
  const read = key => {
    try { return JSON.parse(localStorage.getItem(key)); } catch (error) { return null; }
  };
  const write = (key, value) => {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch (error) { /* the page works without */ }
  };
  const newPerson = () => ({ user: '', answers: [], began: Date.now(), seen: false, volunteer:
    Array.from(crypto.getRandomValues(new Uint8Array(6)), byte => byte.toString(16).padStart(2, '0')).join('') });
  const isPerson = value => value && typeof value.user === 'string' && /^[0-9a-f]{12}$/.test(value.volunteer) &&
    Number.isFinite(value.began) && Array.isArray(value.answers) && follow(value.answers) !== null;

  // The finished candidates with their answers, and the answers to the open one; null when questions were skipped.
  function follow(answers) {
    const done = [];
    let open = [];
    for (const entry of answers) {
      if (!Array.isArray(entry) || entry[0] !== nextTask(open) || !Number.isFinite(entry[2])) return null;
      const said = data.questions[entry[0]].answers[entry[1]];
      if (!said || done.length >= data.subjects.length) return null;
      open.push(entry);
      if (said.next < 0) {
        done.push(open);
        open = [];
      }
    }
    return { done, open };
  }

  let people = [];
  let state = null;
  function reload() {
    const list = read(setKey);
    people = (list && Array.isArray(list.people) ? list.people : []).map(id => read(setKey + '-' + id)).filter(isPerson);
    state = people.find(person => person.volunteer === (state ? state.volunteer : list && list.current)) || state;
    if (!state) people.push(state = newPerson());
  }
  function keep() {
    if (!people.includes(state)) people.push(state);
    write(setKey + '-' + state.volunteer, state);
    write(setKey, { current: state.volunteer, people: people.map(person => person.volunteer) });
  }
  function showPeople() {
    at('user').value = state.user;
    at('who-label').hidden = people.length < 2;
    at('who').replaceChildren(...people.map((person, index) => {
      const option = document.createElement('option');
      option.value = person.volunteer;
      option.selected = person === state;
      option.textContent = person.user.trim() || 'person ' + (index + 1);
      return option;
    }));
  }
  function turnTo(person) {
    state = person;
    keep();
    showPeople();
    show();
    if (!state.seen) tutorial();
  }
  addEventListener('storage', event => {  // another tab
    if (!event.key || !event.key.startsWith(setKey)) return;
    reload();
    showPeople();
    show();
  });

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
    follow(state.answers).done.forEach((answers, index) => {
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

  return {
    view() {
      const { done, open } = follow(state.answers);
      return { subject: data.subjects[done.length], open, done: done.length, total: data.subjects.length,
        canUndo: state.answers.length > 0, next: data.subjects.slice(done.length + 1, done.length + 3),
        message: 'All candidates are classified. Save your answers.' };
    },
    add(entry) { state.answers.push(entry); keep(); },
    undo() { state.answers.pop(); keep(); },
    save() {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
      link.download = 'hunt-classifications.csv';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    },
    startAnew() {
      turnTo(people.find(person => person.answers.length === 0 && !person.user) || newPerson());
    },
    seen() { state.seen = true; keep(); },
    start() {
      reload();
      at('user').addEventListener('input', () => { state.user = at('user').value; keep(); });
      at('user').addEventListener('change', showPeople);
      at('who').addEventListener('change', () => turnTo(people.find(person => person.volunteer === at('who').value)));
      turnTo(state);
    }
  };
}
)js";

/// The server deals the candidates. An answer that it did not confirm is told again until it does, which it knows.
inline constexpr std::string_view hunt_server_store = R"js(
function serverStore() {
  let dealt = { subject: null, done: 0, total: 0 };
  let open = [];
  let message = '';
  let waiting = false;

  async function ask(path, body) {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body) });
    if (answer.status === 401) {
      askToJoin();
      throw new Error('not joined');
    }
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.error), { refused: answer.status < 500 });
    return said;
  }
  async function deal(path, body) {
    waiting = true;
    message = path === 'answer' ? 'Saving ...' : 'Loading ...';
    show();
    for (;;) {
      try {
        dealt = await ask(path, body);
        break;
      } catch (error) {
        if (error.message === 'not joined') return;
        message = error.refused ? error.message
                                : 'The server does not answer: your last answer is not saved yet. Trying again ...';
        show();
        if (error.refused) return;
        await new Promise(again => setTimeout(again, 2000));
      }
    }
    open = [];
    waiting = false;
    message = 'No candidate is left for you. Thank you!';
    show();
    if (dealt.subject) at('question').focus({ preventScroll: true });
  }
  function askToJoin() {
    message = '';
    show();
    at('join-code-label').hidden = !data.code;
    at('join-code').required = data.code;
    if (!at('join').open) at('join').showModal();
  }

  return {
    view: () => ({ subject: waiting ? null : dealt.subject, open, done: dealt.done, total: dealt.total,
      canUndo: !waiting && open.length > 0, message, waiting }),
    add(entry) {
      open.push(entry);
      if (nextTask(open) >= 0) return;
      deal('answer', { subject: dealt.subject.number, answers: open.map(([task, answer]) => [task, answer]) });
    },
    undo() { open.pop(); },
    save() {},
    async startAnew() {
      await ask('leave', {});
      dealt = { subject: null, done: 0, total: 0 };
      open = [];
      askToJoin();
    },
    seen() {},
    start() {
      for (const id of ['save', 'who-label', 'user-label', 'saving']) at(id).hidden = true;
      at('statistics').hidden = false;
      at('join').addEventListener('cancel', event => event.preventDefault());
      at('join-form').addEventListener('submit', async event => {
        event.preventDefault();
        const answer = await fetch('join', { method: 'POST', headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ name: at('join-name').value, code: at('join-code').value }) }).catch(() => null);
        const said = answer ? await answer.json() : { error: 'The server does not answer.' };
        at('join-error').textContent = said.error || '';
        if (said.error) return;
        at('join').close();
        deal('next', {});
        tutorial();
      });
      deal('next', {});
    }
  };
}
)js";

}  // namespace abell::detail
