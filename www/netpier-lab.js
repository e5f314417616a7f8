// <netpier-lab>: a netpier lab on a page of yours. A thin wrapper around an iframe, so that your
// page's policy needs this script and `frame-src` for the place it comes from, and nothing else.
// Attributes, events and methods: docs/embed.md. API version 1.
(() => {
  const here = document.currentScript?.src;
  if (!here || customElements.get('netpier-lab')) return;
  // One after the other, so that all share the download of the first.
  let turn = Promise.resolve();
  const PASSED = ['lesson', 'step', 'lang', 'theme', 'in', 'run', 't', 'packet', 'lab'];

  class NetpierLab extends HTMLElement {
    static observedAttributes = PASSED;

    connectedCallback() {
      const { style } = this;
      style.display = 'block';
      style.minHeight = this.frame ? '' : `${this.height}px`;
      if (this.frame || this.seen) return;
      const poster = this.getAttribute('poster');
      if (poster && !this.firstElementChild) {
        const still = document.createElement('img');
        [still.src, still.alt, still.loading] = [poster, this.label, 'lazy'];
        still.style.maxWidth = '100%';
        this.append(still);
      }
      // The lab is loaded when it comes near, and not before.
      this.seen = new IntersectionObserver((entries) => {
        if (entries.some((e) => e.isIntersecting)) this.load();
      }, { rootMargin: '200px' });
      this.seen.observe(this);
      this.hear = (event) => this.heard(event);
      addEventListener('message', this.hear);
    }

    disconnectedCallback() {
      this.seen?.disconnect();
      removeEventListener('message', this.hear);
      this.frame?.remove();
      this.loaded?.();
      this.frame = this.seen = this.ready = this.loaded = undefined;
    }

    attributeChangedCallback() {
      if (this.frame) this.frame.src = this.url;
    }

    get height() { return Number(this.getAttribute('height')) || 480; }
    get label() { return this.getAttribute('title') || 'netpier'; }
    get base() { return new URL('./', here); }
    get url() {
      const parts = ['embed'];
      for (const key of PASSED) {
        const value = this.getAttribute(key);
        if (value !== null) parts.push(`${key}=${key === 'lab' ? value : encodeURIComponent(value)}`);
      }
      return `${this.base}index.html#${parts.join('&')}`;
    }

    load() {
      this.seen?.disconnect();
      if (this.frame || this.waiting) return;
      this.waiting = true;
      turn = turn.then(() => {
        this.waiting = false;
        if (!this.isConnected || this.frame) return undefined;
        this.insert();
        return new Promise((next) => {
          this.loaded = next;
          setTimeout(next, 15_000);
        });
      });
    }

    insert() {
      const frame = document.createElement('iframe');
      frame.title = this.label;
      frame.referrerPolicy = 'no-referrer';
      // On a page of its own origin a sandbox would hold nothing.
      if (this.base.origin !== location.origin) {
        frame.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox');
      }
      frame.src = this.url;
      Object.assign(frame.style, { display: 'block', width: '100%', height: `${this.height}px`, border: '1px solid #8885', borderRadius: '14px' });
      this.frame = frame;
      this.replaceChildren(frame);
    }

    heard({ source, origin, data }) {
      if (!this.frame || source !== this.frame.contentWindow || origin !== this.base.origin || data?.netpier !== 1) return;
      if (data.type === 'ready') {
        this.loaded?.();
        // As high as the picture is at this width, within reason.
        if (!this.hasAttribute('height')) {
          const stage = Math.min(Math.max(this.clientWidth * data.shape, 240), 520);
          // Below it: the player, on a phone in two rows, and the sentence.
          this.frame.style.height = `${Math.round(stage + (this.clientWidth < 560 ? 215 : 150))}px`;
          this.style.minHeight = '';
        }
        if (this.hasAttribute('autoplay') || this.wanted) this.say('play');
        this.ready = true;
      }
      if (['ready', 'step', 'goal'].includes(data.type)) this.dispatchEvent(new CustomEvent(data.type, { detail: data }));
    }

    say(word) { this.frame?.contentWindow.postMessage({ netpier: 1, do: word }, this.base.origin); }
    play() {
      this.load();
      if (this.ready) this.say('play'); else this.wanted = true;
    }
    pause() { this.say('pause'); }
    step() { this.say('step'); }
    back() { this.say('back'); }
    start() { this.say('start'); }
  }
  customElements.define('netpier-lab', NetpierLab);
})();
