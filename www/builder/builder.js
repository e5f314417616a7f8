// Builds what a blog takes: an element, a frame, an address or a picture with a link. docs/embed.md
// says what each is. Every text is set as text.
const $ = (id) => document.getElementById(id);

const TEXTS = {
  en: {
    title: 'For my blog', what: 'Paste a link of netpier, say where it is to go, and copy what that place takes.',
    link: 'Link to a lab or a lesson', where: 'Blog', lang: 'Language', theme: 'Colours', readers: 'the reader’s', light: 'light', dark: 'dark',
    label: 'What it shows (for those who cannot see it)', autoplay: 'play at once', grade: 'As', element: 'element', frame: 'frame', address: 'address',
    still: 'picture with a link', code: 'To copy', copy: 'Copy', copied: 'Copied.', preview: 'Preview', table: 'Which blog takes what', how: 'How',
    sure: '“?”: not confirmed; try it with a draft. What blogs let through changes with plans and settings.',
    bad: 'This is no link of netpier.',
    picture: 'Make the picture in netpier: Share → Moving picture (APNG) or Picture (PNG). Upload it, and put this link around it.',
  },
  ko: {
    title: '내 블로그에 넣기', what: 'netpier 링크를 붙여 넣고 어디에 넣을지 고르면, 그곳에서 받아 주는 코드를 만들어 드려요.',
    link: '실험실이나 수업 링크', where: '블로그', lang: '언어', theme: '색', readers: '읽는 사람에 맞춤', light: '밝게', dark: '어둡게',
    label: '무엇을 보여 주는지 (화면을 볼 수 없는 분께 읽어 줘요)', autoplay: '바로 재생', grade: '방식', element: '요소', frame: '프레임', address: '주소',
    still: '그림과 링크', code: '복사할 코드', copy: '복사', copied: '복사했어요.', preview: '미리 보기', table: '블로그마다 되는 방식', how: '방법',
    sure: '‘?’는 확인하지 못한 것이에요. 임시 글로 먼저 해 보세요. 요금제와 설정에 따라 달라져요.',
    bad: 'netpier 링크가 아니에요.',
    picture: '그림은 netpier의 공유 → 움직이는 그림(APNG)이나 그림(PNG)으로 만들어요. 블로그에 올리고 이 링크를 걸어 주세요.',
  },
};

/** What blogs let through: best grade, whether that was confirmed, how. */
const SYSTEMS = [
  ['own', 'element', true, ['A page of your own', '내 웹 페이지'], ['Where a policy (CSP) is sent, allow this host in script-src and frame-src.', 'CSP를 쓴다면 script-src와 frame-src에 이 호스트를 더해요.']],
  ['hugo', 'element', true, ['Hugo', 'Hugo'], ['Raw HTML in Markdown needs markup.goldmark.renderer.unsafe = true, or a shortcode.', 'Markdown 속 HTML은 markup.goldmark.renderer.unsafe = true로 켜거나 숏코드로 넣어요.']],
  ['jekyll', 'element', true, ['Jekyll, Astro, Eleventy', 'Jekyll, Astro, Eleventy'], ['HTML in Markdown goes through.', 'Markdown 안에 HTML을 그대로 써요.']],
  ['ghost', 'element', true, ['Ghost', 'Ghost'], ['HTML card (type /html).', 'HTML 카드(/html)에 넣어요.']],
  ['wordpress', 'element', true, ['WordPress (self-hosted)', '워드프레스 (설치형)'], ['Custom HTML block, for administrators and editors of a single site (they have unfiltered_html).', '사용자 정의 HTML 블록. 단일 사이트의 관리자와 편집자만 돼요(unfiltered_html 권한).']],
  ['wpcom', 'still', true, ['WordPress.com', 'WordPress.com'], ['Frames and scripts are taken out below the plans that allow plugins; with those, as self-hosted.', '플러그인을 쓸 수 있는 요금제보다 아래에서는 프레임과 스크립트를 지워요. 그 위에서는 설치형과 같아요.']],
  ['tistory', 'frame', false, ['Tistory', '티스토리'], ['HTML mode or an HTML block.', 'HTML 모드나 HTML 블록에 넣어요.']],
  ['blogger', 'frame', false, ['Blogger', 'Blogger'], ['HTML view of the post.', '글의 HTML 보기에서 넣어요.']],
  ['velog', 'still', true, ['velog', 'velog'], ['Frames of YouTube, CodeSandbox and CodePen only.', 'YouTube, CodeSandbox, CodePen의 프레임만 받아요.']],
  ['naver', 'still', false, ['Naver Blog', '네이버 블로그'], ['The editor has no HTML mode.', '에디터에 HTML 모드가 없어요.']],
  ['medium', 'still', true, ['Medium', 'Medium'], ['Embeds only what Embedly knows, and that does not know this host.', 'Embedly가 아는 주소만 넣어 주는데, 이 호스트는 거기에 없어요.']],
  ['devto', 'still', true, ['dev.to', 'dev.to'], ['Liquid tags for a list of sites only.', '정해진 사이트의 Liquid 태그만 돼요.']],
  ['notion', 'address', false, ['Notion', 'Notion'], ['Type /embed and paste the address; set the height by hand.', '/embed를 치고 주소를 붙여 넣어요. 높이는 손으로 맞춰요.']],
  ['github', 'still', true, ['GitHub README', 'GitHub README'], ['Frames and scripts are taken out.', '프레임과 스크립트를 지워요.']],
];

const home = new URL('../', location.href);
const words = new URLSearchParams(location.hash.slice(1)).get('lang') ?? navigator.language;
const lang = words.startsWith('ko') ? 'ko' : 'en';
const t = (key) => TEXTS[lang][key];
document.documentElement.lang = lang;
document.title = `netpier: ${t('title')}`;
for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);

/** The parts of a link, or null. Their values stay as they are written. */
function parts(text) {
  const fragment = text.trim().replace(/^[^#]*#/, '');
  const found = new Map(fragment.split('&').map((part) => [part.split('=')[0], part.slice(part.indexOf('=') + 1)]));
  found.delete('embed');
  return found.has('lab') || found.has('lesson') ? found : null;
}

const decoded = (value) => { try { return decodeURIComponent(value); } catch { return value; } };
const KEYS = ['lesson', 'step', 'lang', 'theme', 'in', 'run', 't', 'packet', 'lab'];
const attribute = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

function wanted() {
  const found = parts($('link').value);
  if (!found) return null;
  for (const key of ['lang', 'theme']) if ($(key).value) found.set(key, $(key).value); else found.delete(key);
  return found;
}

const fragment = (found) => KEYS.filter((key) => found.has(key)).map((key) => `${key}=${found.get(key)}`).join('&');
const label = () => $('label').value || 'netpier';

function code(grade, found) {
  const rest = fragment(found);
  if (grade === 'element') {
    const attributes = KEYS.filter((key) => found.has(key)).map((key) => `${key}="${attribute(decoded(found.get(key)))}"`);
    if ($('autoplay').checked) attributes.push('autoplay');
    return `<script src="${home}netpier-lab.js"></script>\n<netpier-lab title="${attribute(label())}" ${attributes.join(' ')}></netpier-lab>`;
  }
  if (grade === 'frame') return `<iframe src="${attribute(`${home}index.html#embed&${rest}`)}" title="${attribute(label())}" width="100%" height="610" loading="lazy"></iframe>`;
  if (grade === 'address') return `${home}index.html#embed&${rest}`;
  return `${home}index.html#${rest}`;
}

function preview(grade, found) {
  const place = $('preview');
  let shown;
  if (grade === 'element') {
    shown = document.createElement('netpier-lab');
    for (const key of KEYS) if (found.has(key)) shown.setAttribute(key, decoded(found.get(key)));
    if ($('autoplay').checked) shown.setAttribute('autoplay', '');
    shown.setAttribute('title', label());
  } else if (grade === 'still') {
    shown = document.createElement('p');
    shown.className = 'picture';
    shown.textContent = t('picture');
  } else {
    shown = document.createElement('iframe');
    shown.loading = 'lazy';
    shown.title = label();
    shown.src = `${home}index.html#embed&${fragment(found)}`;
  }
  place.replaceChildren(shown);
}

function update() {
  const grade = document.querySelector('[name="grade"]:checked').value;
  const found = wanted();
  const system = SYSTEMS.find(([id]) => id === $('where').value);
  const [, , sure, , how] = system;
  $('note').textContent = found ? `${how[lang === 'ko' ? 1 : 0]}${sure ? '' : ' (?)'}${grade === 'still' ? ` ${t('picture')}` : ''}` : t('bad');
  $('code').value = found ? code(grade, found) : '';
  $('copied').textContent = '';
  if (found) preview(grade, found); else $('preview').replaceChildren();
}

function choose() {
  const [, grade] = SYSTEMS.find(([id]) => id === $('where').value);
  document.querySelector(`[name="grade"][value="${grade}"]`).checked = true;
  update();
}

for (const [id, grade, sure, name, how] of SYSTEMS) {
  const at = lang === 'ko' ? 1 : 0;
  $('where').append(new Option(name[at], id));
  const row = $('systems').insertRow();
  for (const text of [name[at], `${t(grade)}${sure ? '' : ' ?'}`, how[at]]) row.insertCell().textContent = text;
}
const given = location.hash.length > 1 && parts(location.hash);
$('link').value = given ? `${home}#${fragment(given)}` : `${home}#in=docker-host:shell&run=wget%20-qO-%20http%3A//example.com&lab=home`;
for (const key of ['lang', 'theme']) if (given && given.has(key)) $(key).value = given.get(key);
$('where').addEventListener('change', choose);
for (const event of ['change', 'submit']) $('form').addEventListener(event, (e) => { e.preventDefault(); if (e.target !== $('where')) update(); });
for (const radio of document.querySelectorAll('[name="grade"]')) radio.addEventListener('change', update);
$('copy').addEventListener('click', async () => {
  $('code').select();
  try {
    await navigator.clipboard.writeText($('code').value);
    $('copied').textContent = t('copied');
  } catch { /* it is selected: Ctrl and C */ }
});
choose();
