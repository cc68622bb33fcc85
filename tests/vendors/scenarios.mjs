// Runs the scenario named on the command line and prints what it saw as one line of JSON.
export async function run(scenarios) {
  const name = process.argv[2];
  const scenario = scenarios[name];
  if (!scenario) {
    console.error(`no such scenario: ${name}; there are ${Object.keys(scenarios).join(', ')}`);
    process.exit(2);
  }

  console.log(JSON.stringify(await scenario()));
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
