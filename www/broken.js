// The program has ended: says so, and saves what the browser keeps. Loaded only then; nothing here
// needs the program.
const WORDS = {
  en: ['netpier has stopped', 'It met something that it was not made for. Your lab is kept as of its last change.', 'Save the lab to a file', 'Start again', 'Start without this lab'],
  ko: ['netpier가 멈췄어요', '미처 생각하지 못한 일이 생겼어요. 실험실은 마지막으로 바꾼 그대로 저장되어 있어요.', '실험실을 파일로 저장', '다시 시작', '이 실험실 없이 시작'],
};

/** @param {string} why what the program said, in English */
export function broken(why) {
  if (document.querySelector('[data-test="broken"]')) return;
  const words = WORDS[document.documentElement.lang === 'ko' ? 'ko' : 'en'];
  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const kept = () => {
    try { return localStorage.getItem('netpier.lab'); } catch { return null; }
  };
  const veil = make('div', '', document.body);
  veil.className = 'veil';
  make('div', '', veil).className = 'veil-ground';
  const card = make('div', '', veil);
  card.className = 'dialog broken';
  card.dataset.test = 'broken';
  card.setAttribute('role', 'alertdialog');
  card.setAttribute('aria-modal', 'true');
  card.setAttribute('aria-labelledby', 'broken-title');
  make('h2', words[0], card).id = 'broken-title';
  make('p', words[1], card);
  if (why) make('pre', why, card);
  const foot = make('div', '', card);
  foot.className = 'dialog-foot';
  const button = (text, name, act) => {
    const it = make('button', text, foot);
    it.type = 'button';
    it.dataset.test = name;
    it.addEventListener('click', act);
    return it;
  };
  if (kept()) {
    button(words[2], 'broken-save', () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([kept()], { type: 'application/json' }));
      link.download = 'kept.netpier.json';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    });
  }
  button(words[4], 'broken-without', () => {
    // A visited lab is in the address; an own one is passed over when it has failed twice.
    try { if (!location.hash) localStorage.setItem('netpier.opening', '2'); } catch { /* nothing is kept then */ }
    history.replaceState(null, '', location.pathname + location.search);
    location.reload();
  });
  const again = button(words[3], 'broken-again', () => location.reload());
  again.className = 'primary';
  again.focus();
}
