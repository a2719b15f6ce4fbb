// Everything that a scene waits for has a limit: as many seconds as the stage gives it.
export function patience(seconds) {
  const limit = seconds * 1000;

  function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), limit);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  return { limit, within };
}
