// Starts the second module of the page, in which every page but the estimate lives, and says how that went.
// What stands behind the `?` of this file's address (the build, and the attempt after a failure) goes on to the files that it fetches.
const query = new URL(import.meta.url).search;
const tell = (fault) => dispatchEvent(new CustomEvent('studyloaded', { detail: fault }));
try {
  const { default: start } = await import(`./study.js${query}`);
  await start({ module_or_path: new URL(`./study_bg.wasm${query}`, import.meta.url) });
  tell('');
} catch (fault) {
  tell(String(fault) || 'unknown');
}
