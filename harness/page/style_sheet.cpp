#include <fmt/format.h>

#include "harness/page/parts.hpp"

namespace recollect::page {
namespace {

std::string both(const plot::Ink& ink) {
  return fmt::format("light-dark({},{})", ink.light, ink.dark);
}

/// For browsers that know no light-dark().
std::string light(const plot::Ink& ink) { return ink.light; }

using Colour = std::string (*)(const plot::Ink&);

/// The colours of all pictures, by what they are for.
std::string inks(Colour colour) {
  namespace ink = plot::ink;
  return fmt::format(
      ":root{{--ink:{};--muted:{};--ref:{};--ghost:{};--grid:{};--shade:{};--ground:{};"
      "--on-strong:{};--font:{}}}\n",
      colour(ink::kText), colour(ink::kMuted), colour(ink::kReference), colour(ink::kGhost),
      colour(ink::kGrid), colour(ink::kShade), colour(ink::kGround), colour(ink::kOnStrong),
      plot::kFontFamily);
}

/// What each label's own marks and letters look like.
std::string label_inks(Colour colour, const Context& context) {
  std::string css;
  for (const plot::Named& label : context.labels()) {
    const plot::VariantStyle& style = context.input.material.styles.of(label);
    css += fmt::format("[data-v=\"{0}\"],.v{0}{{--c:{1};--k:{2}}}\n", context.number_of(label),
                       colour(style.mark), colour(style.text));
  }
  return css;
}

/// How a check box hides what belongs to a label.
std::string filters(const Context& context) {
  std::string css;
  for (std::size_t number = 0; number < context.labels().size(); ++number) {
    css +=
        fmt::format("body:has(#show{0}:not(:checked)) [data-v=\"{0}\"]{{display:none}}\n", number);
  }
  return css;
}

constexpr const char* kRules = R"css(
:root{color-scheme:light dark}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 var(--font)}
header,main,footer,.legend{max-width:1400px;margin:0 auto;padding-left:max(16px,5vw);padding-right:max(16px,5vw)}
header{padding-top:28px}
h1{font-size:clamp(23px,3.2vw,30px);line-height:1.2;margin:0 0 6px}
h2{font-size:21px;line-height:1.25;margin:0 0 2px}
h3{font-size:16px;margin:34px 0 2px}
h4{font-size:14px;margin:16px 0 4px}
p{margin:0 0 8px;max-width:76ch}
a{color:light-dark(#0B5A6E,#7CC4D0)}
.lead,.origin,.note,.caption{color:var(--muted)}
.origin,.caption{font-size:13px}
.caption{margin-top:6px}
code,pre{font:13px/1.45 ui-monospace,'Liberation Mono',Menlo,Consolas,monospace}
code{overflow-wrap:anywhere}
pre{margin:6px 0;padding:10px 12px;background:var(--shade);overflow:auto;max-height:420px}
h1,h2,h3,h4,td,th,p,li,dd,dt,summary,.name{overflow-wrap:anywhere}
:focus-visible{outline:2px solid light-dark(#0F5F73,#7CC4D0);outline-offset:2px}
.skip{position:absolute;left:-999px}
.skip:focus{left:8px;top:8px;background:var(--ground);padding:4px 8px;z-index:3}

.answers{margin:18px 0 0;border-top:1px solid var(--ghost)}
.answers>div{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,5fr);gap:4px 24px;padding:11px 0;border-bottom:1px solid var(--grid)}
.answers dt{font-weight:bold}
.answers dd{margin:0}
.answers a{font-size:14px;white-space:nowrap}
.answers details{font-size:14px;margin-top:4px}
.answers ul{margin:4px 0;padding-left:1.2em}
.contents{columns:3 230px;column-gap:44px;font-size:14px;padding-left:1.6em;margin:14px 0}

.legend{position:sticky;top:0;z-index:2;background:var(--ground);display:flex;flex-wrap:wrap;gap:6px;align-items:center;padding-top:9px;padding-bottom:9px;margin-top:12px;max-height:88px;overflow:auto;box-shadow:0 1px 0 var(--ghost)}
.legend fieldset{display:contents}
.legend legend{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.chip{position:relative;border:1px solid var(--ghost);border-radius:99px;padding:2px 11px 2px 8px;font-size:14px;cursor:pointer;white-space:nowrap;max-width:100%;overflow:hidden;text-overflow:ellipsis}
.chip input{position:absolute;opacity:0;inset:0;margin:0;cursor:pointer}
.chip:has(input:not(:checked)){color:var(--muted);text-decoration:line-through}
.chip:has(input:not(:checked)) .marker{opacity:.25}
.chip:has(:focus-visible){outline:2px solid light-dark(#0F5F73,#7CC4D0);outline-offset:1px}
button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
.theme{border:1px solid var(--ghost);border-radius:99px;padding:2px 11px;font-size:14px;margin-left:auto;color:var(--muted)}

.marker{width:14px;height:14px;vertical-align:-2px;margin-right:4px;overflow:visible;flex:none}
.marker path{fill:var(--c)}
.marker.open path{fill:var(--ground);stroke:var(--c);stroke-width:1.6}
.name{color:var(--k);font-weight:bold}
section{margin-top:46px}
.study{border-top:2px solid var(--ghost);padding-top:20px}

.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:12px 8px;margin-top:8px}
.panel{min-width:0}
.panel .name,.panel .says{display:block;font-size:13px;line-height:1.3}
.panel .says{color:var(--muted);font-size:12px}
svg{display:block;font-family:var(--font)}
.panel svg:not(.marker),.overlay svg,.wide svg{width:100%;height:auto}
.lambda-map svg{min-width:640px}
.marker{display:inline-block}
svg text{font-size:11px;fill:var(--muted)}
svg text.name{fill:var(--k)}
.panel svg .end{text-anchor:end}.mid{text-anchor:middle}.bold{font-weight:bold}
.panel text:not([class]),.panel svg .own{fill:var(--k)}
path.grid{stroke:var(--grid);stroke-width:.8;fill:none}
path.ref{stroke:var(--ref);stroke-width:1.1;fill:none}
path.seed{stroke:var(--c);stroke-width:.8;fill:none;stroke-linejoin:round}
path.thin{stroke:var(--c);stroke-width:1.3;fill:none}
path.median{stroke:var(--c);stroke-width:2.2;fill:none;stroke-linejoin:round}
path.ghost{stroke:var(--ghost);stroke-width:1;fill:none}
path.band{fill:var(--c);fill-opacity:.19}
path.shade{fill:var(--shade)}
.dot{fill:var(--c)}
.dot.open{fill:var(--ground);stroke:var(--c);stroke-width:1.1}
.faded [data-c]:not(.lit){opacity:.16}
path.seed.lit{stroke-width:2}
.study [data-c]{cursor:pointer}

.overlay{max-width:820px;margin-top:10px}
.box{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:13px}
th{font-weight:normal;text-align:left;color:var(--muted);font-size:13px;vertical-align:bottom;padding:4px 10px 4px 0}
td{padding:4px 10px 4px 0}
thead th{border-bottom:1px solid var(--ghost)}
tbody td,tbody th{border-bottom:1px solid var(--grid);vertical-align:middle}
.n{text-align:right;white-space:nowrap}
th button::after{content:" ↕";color:var(--ref)}
th[aria-sort=ascending] button::after{content:" ↑";color:var(--ink)}
th[aria-sort=descending] button::after{content:" ↓";color:var(--ink)}

.hero{width:100%;margin-top:10px}
.hero tbody th{width:22%;font-size:15px;color:var(--ink)}
.hero .says{display:block;font-size:13px;color:var(--muted)}
.hero .strip{width:36%;padding:0 14px 0 0}
.hero .strip svg{width:100%;min-width:220px;height:auto}
.hero .strip path{stroke-width:.8}
.hero .dot:not(.open){stroke:var(--ground);stroke-width:.5}
.hero b{font-size:18px}
.hero tr.head th{font-weight:bold;color:var(--ink);padding-top:18px}
.small{font-size:13px;color:var(--muted)}

.one{border-bottom:1px solid var(--grid)}
.one summary{padding:5px 0;cursor:pointer}
.seeds{list-style:none;margin:4px 0 12px;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(215px,1fr));gap:4px 14px;font-size:13px}
.seeds li{display:flex;gap:8px;align-items:center}
.seeds svg{width:64px;height:20px;flex:none;background:var(--shade)}
.map td{background:var(--q);color:var(--on);text-align:center;border:2px solid var(--ground);min-width:58px;padding:5px 6px;font-size:14px}
.map th{padding-right:12px}
.map td.none{background:none}
.forest{width:100%}
.forest td svg{width:170px;height:22px}
.forest .head th{font-weight:bold;color:var(--ink);padding-top:16px;border-bottom:0}
.forest .where{font-size:13px;color:var(--muted)}
.cells{font-size:13px}
.cells td,.cells th{white-space:nowrap}
.cells td.wrap{white-space:normal;min-width:150px}
.cells td.settings{white-space:normal;min-width:420px}
tr:target td,tr:target th{background:var(--shade)}
.search{font-size:14px;margin:8px 0}
.search input{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--ref);border-radius:4px;padding:2px 6px;width:min(22em,60vw)}
summary{cursor:pointer}
footer{margin-top:50px;padding-bottom:40px;color:var(--muted);font-size:13px}

@media screen and (max-width:760px){
.answers>div{grid-template-columns:minmax(0,1fr)}
.legend{flex-wrap:nowrap;overflow-x:auto}
.chip,.theme{flex:none;max-width:70vw}
.overlay{display:none}
.hero,.hero tbody{display:block}
.hero thead{display:block}
.hero thead tr{border:0;padding:0}
.hero thead th{border:0}
.hero thead th:not(.strip){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.hero tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 12px;padding:8px 0;border-bottom:1px solid var(--grid)}
.hero tbody th,.hero td{border:0;padding:0;width:auto;min-width:0}
.hero .strip{grid-column:1/-1;width:auto;padding:0;order:2}
.hero .strip svg{max-width:480px}
.hero td.n{font-size:13px;text-align:left;order:3}
.hero td.count{text-align:right;order:1}
.hero td[data-l]::before{content:attr(data-l) " ";color:var(--muted)}
.forest,.forest tbody{display:block}
.forest thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.forest tr{display:grid;grid-template-columns:1fr 1fr;gap:0 8px;padding:6px 0;border-bottom:1px solid var(--grid)}
.forest tr.head{border:0}
.forest tbody th,.forest td{border:0;padding:0;min-width:0}
.forest .where,.forest .head th{grid-column:1/-1}
.forest td svg{width:100%}
.forest td[data-l]::before{content:attr(data-l);color:var(--muted);font-size:12px}
}
@media print{
:root,:root[data-theme]{color-scheme:light}
body{font-size:12px}
.legend,.skip,.search{display:none}
th button::after{content:none}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
.panels{grid-template-columns:repeat(4,1fr)}
.hero tr>:nth-child(n+7){display:none}
.hero tr.head>*{display:table-cell}
.panel,.overlay,tr,.answers>div,figure{break-inside:avoid}
.answers a,.small,.caption,.origin{font-size:11px}
.hero tbody th{font-size:12px}
h2,h3,h4{break-after:avoid}
pre{max-height:none;white-space:pre-wrap}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@media(prefers-reduced-motion:no-preference){[data-c]{transition:opacity .12s}}
figure{margin:0}
)css";

}  // namespace

std::string style_sheet(const Context& context) {
  return "<style>\n" + inks(both) + kRules + label_inks(both, context) + filters(context) +
         "@supports not (color:light-dark(#000,#fff)){\n" + inks(light) +
         label_inks(light, context) + "}\n</style>\n";
}

}  // namespace recollect::page
