// Runs the scenarios named on the command line, one after the other, and prints what they saw as one line of JSON.
export async function run(scenarios) {
  const seen = {};
  for (const name of process.argv.slice(2)) {
    if (!scenarios[name]) {
      throw new Error(`no such scenario: ${name}; there are ${Object.keys(scenarios).join(', ')}`);
    }

    try {
      seen[name] = await scenarios[name]();
    } catch (e) {
      seen[name] = { threw: e.stack };
    }
  }

  console.log(JSON.stringify(seen));
}

// What a vendor's library throws, or a failure when it throws nothing.
export async function thrownBy(promise) {
  try {
    await promise;
  } catch (e) {
    return e;
  }

  throw new Error('an error was expected');
}

export async function until(look, what) {
  for (let i = 0; i < 600; i++) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  throw new Error(`never seen: ${what}`);
}
