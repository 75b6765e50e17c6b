#pragma once
/// Style and text of the Hunt's page.

#include <string_view>

namespace abell::detail {

inline constexpr std::string_view hunt_style = R"css(
[hidden] { display: none !important; }
main { padding-top: 20px; }
.bar { display: flex; gap: 14px; align-items: center; margin: 0 0 14px; }
.bar h1 { font-size: 19px; flex: 1; }
progress { width: 100%; height: 8px; accent-color: var(--first); }
.sky { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px; margin: 12px auto;
  max-width: calc(300vh - 1020px); min-width: min(100%, 330px); }
.sky figure { margin: 0; }
.sky .frame { display: block; width: 100%; padding: 0; border: 0; overflow: hidden; aspect-ratio: 1;
  border-radius: 4px; background: #000; color: #fff; cursor: zoom-in; }
.sky img { width: 100%; height: 100%; display: block; image-rendering: pixelated; }
.sky img:not([src]) { visibility: hidden; }
.sky.one { display: block; max-width: none; }
.sky.one figure { display: none; }
.sky.one .large { display: block; width: max(min(100%, 100vh - 310px), min(100%, 240px)); margin: 0 auto; }
.sky.one .frame { cursor: zoom-out; }
.sky .close img { transform: scale(3); }
.ask { position: sticky; bottom: 0; background: var(--page); padding: 8px 0 10px; }
#question { font-size: 18px; font-weight: 600; margin: 0 0 10px; max-width: none; outline: none; }
#answers { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
button { font: inherit; color: var(--text); background: var(--panel); border: 1px solid var(--axis); border-radius: 8px;
  padding: 12px 16px; min-height: 48px; text-align: left; cursor: pointer; touch-action: manipulation; }
button:hover { border-color: var(--first); }
button:focus-visible, input:focus-visible, select:focus-visible { outline: 3px solid var(--first); outline-offset: 2px; }
button:disabled { opacity: 0.45; cursor: default; }
kbd { font: 13px ui-monospace, monospace; color: var(--muted); border: 1px solid var(--axis); border-radius: 4px;
  padding: 1px 6px; margin-right: 8px; }
.tools { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 12px; align-items: center; }
.tools label { color: var(--muted); flex: 1 1 200px; }
input, select { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--axis);
  border-radius: 8px; padding: 10px 12px; min-height: 48px; width: 100%; max-width: 260px; }
dialog { color: var(--text); background: var(--page); border: 1px solid var(--axis); border-radius: 12px;
  max-width: min(60ch, calc(100vw - 32px)); padding: 24px; }
dialog::backdrop { background: rgba(0, 0, 0, 0.5); }
dialog h2 { margin: 0 0 10px; padding: 0; border: 0; }
dialog label { display: block; margin: 0 0 14px; }
@media (max-width: 600px) { kbd { display: none; } .sky { gap: 6px; max-width: none; } main { padding: 12px 16px 32px; }
  #answers { grid-template-columns: 1fr; gap: 6px; }
  .sky.one .large { width: max(min(100%, 100vh - 400px), min(100%, 240px)); } #question { font-size: 16px; } .bar h1 { font-size: 16px; } }
@media (max-height: 500px) { .ask { position: static; } #answers { grid-template-columns: repeat(2, 1fr); }
  .sky { max-width: none; } .sky.one .large { width: min(100%, 80vh); } }
)css";

inline constexpr std::string_view hunt_body = R"html(
<div class="bar"><h1 id="title"></h1><span id="count"></span></div>
<progress id="progress" value="0" aria-label="candidates done"></progress>
<div class="sky" id="sky">
<figure><button class="frame" aria-pressed="false" aria-label="Image 1: X-ray, whole field; enlarge"><img id="wide"
alt="X-ray image, whole field"></button><figcaption><kbd>X</kbd>1: X-ray</figcaption></figure>
<figure><button class="frame" aria-pressed="false" aria-label="Image 2: optical; enlarge"><img id="optical"
alt="optical image"></button><figcaption><kbd>O</kbd>2: optical</figcaption></figure>
<figure><button class="frame close" aria-pressed="false" aria-label="Image 3: X-ray, centre; enlarge"><img id="close"
alt="X-ray image, centre"></button><figcaption><kbd>C</kbd>3: X-ray, centre</figcaption></figure>
</div>
<div class="ask">
<p id="question" tabindex="-1"></p>
<div id="answers"></div>
</div>
<div class="tools">
<button id="undo"><kbd>U</kbd>Undo</button>
<button id="save"><kbd>S</kbd>Save CSV</button>
<button id="help"><kbd>T</kbd>Tutorial</button>
<button id="anew">Start anew</button>
<a id="statistics" href="statistics" target="_blank" hidden>Statistics</a>
<label id="who-label">Answers of <select id="who"></select></label>
<label id="user-label">Your name <input id="user" autocomplete="name" maxlength="60"></label>
</div>
<dialog id="tutorial">
<h2>How to hunt galaxy clusters</h2>
<p>Each candidate has three images of the same place. Image 1 is the X-ray sky, a field of about 6 arcminutes; image 3
is its centre, three times larger; image 2 shows the whole field in visible light. A click, a touch or the keys X, O and
C enlarge an image.</p>
<p>Hot gas between the galaxies of a cluster shines in X-rays: a cluster is a <b>fuzzy, extended</b> glow. Stars and
active galaxies are <b>points</b>: as small as the telescope's blur. Emission that follows a straight edge or a gap of
the detector is no source.</p>
<p>In visible light a <b>nearby</b> cluster is a crowd of galaxies, often with a large one in its middle. A
<b>distant</b> one shows very faint galaxies, or none. One single large galaxy may glow in X-rays by itself.</p>
<p>Answer with the buttons or the keys 1 to 4. U takes the last answer back, T shows this text.
<span id="saving">S saves all finished candidates as CSV. Your answers stay in this browser until you come back; Start anew
is for the next person.</span></p>
<button id="start">Start</button>
</dialog>
<dialog id="join">
<h2>Join the hunt</h2>
<form id="join-form">
<label>Your name <input id="join-name" required maxlength="60" autocomplete="name"></label>
<label id="join-code-label">Join code <input id="join-code" maxlength="32" autocomplete="off"></label>
<p id="join-error" role="alert"></p>
<button>Join</button>
</form>
</dialog>
)html";

}  // namespace abell::detail
