// Where the user is: a page, and what its address says beside: #/watch&run=names

export const TABS = ["write", "watch", "train"];

// Returns the page of the address and its settings.
export function route() {
  const settings = new URLSearchParams(location.hash.slice(1)), [first = ""] = settings.keys();
  const tab = TABS.find((name) => first === `/${name}`) ?? TABS[0];
  settings.delete(first.startsWith("/") ? first : "");
  return { tab, settings };
}

// Returns the part of an address after #, for a link to a page.
export function hashOf(tab, settings = {}) {
  const rest = String(new URLSearchParams(settings));
  return `#/${tab}${rest && "&"}${rest}`;
}
