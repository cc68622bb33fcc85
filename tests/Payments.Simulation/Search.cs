using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Payments.Simulation.Histories;
using Payments.Simulation.Oracle;
using Payments.Simulation.Shell;
using Payments.Simulation.World;

namespace Payments.Simulation;

/// <summary>A history in which a promise was broken.</summary>
/// <param name="Number">Which one of the seed's histories.</param>
internal sealed record Broken(int Seed, int Number, History Original, History Shrunk, IReadOnlyList<string> Violations);

/// <summary>Makes histories of a seed, lets each happen, and shrinks the first in which something went wrong.</summary>
internal static class Search
{
    private const int Size = 50;

    /// <summary>The same history for the same seed and number, on every machine and whatever ran before.</summary>
    public static History Generated(int seed, int number) =>
        Gen.Sample(Generator.Histories.Generator, 1, new Rnd(Mixed(((ulong)(uint)seed << 32) | (uint)number)), Size).First();

    public static IReadOnlyList<string> Violations(History history, Rules rules) => Judge.Violations(new Run(history, rules));

    private static IReadOnlyList<string> Violations(History history, Rules rules, ConcurrentDictionary<string, int>? reached)
    {
        var run = new Run(history, rules);
        foreach (var what in reached is null ? [] : run.Reached)
        {
            reached!.AddOrUpdate(what, 1, (_, n) => n + 1);
        }

        return Judge.Violations(run);
    }

    /// <summary>The lowest number in which something went wrong, shrunk; null where all is well.</summary>
    /// <param name="reached">Takes in how many histories each fault struck and each step of the resolver was taken.</param>
    public static Broken? First(int seed, int count, Rules rules, ConcurrentDictionary<string, int>? reached = null)
    {
        var lowest = count;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (number, state) =>
        {
            if (number >= Volatile.Read(ref lowest))
            {
                return;
            }

            if (Violations(Generated(seed, number), rules, reached).Count > 0)
            {
                InterlockedMin(ref lowest, number);
            }
        });
        return lowest == count ? null : Shrunk(seed, lowest, rules);
    }

    public static Broken Shrunk(int seed, int number, Rules rules)
    {
        var original = Generated(seed, number);
        var shrinking = new ShrinkingRunner();
        Prop.ForAll(Arb.From(Gen.Constant(original), Generator.Histories.Shrinker), history => Violations(history, rules).Count == 0)
            .Check(Config.Quick.WithMaxTest(1).WithRunner(shrinking));
        var shrunk = shrinking.Shrunk ?? original;
        return new Broken(seed, number, original, shrunk, Violations(shrunk, rules));
    }

    private static void InterlockedMin(ref int lowest, int number)
    {
        int seen;
        while (number < (seen = Volatile.Read(ref lowest)) && Interlocked.CompareExchange(ref lowest, number, seen) != seen)
        {
            // Another thread was faster: look again.
        }
    }

    /// <summary>The finalizer of SplitMix64: neighbouring numbers give unlike histories.</summary>
    private static ulong Mixed(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>Keeps what FsCheck has shrunk a history to.</summary>
    private sealed class ShrinkingRunner : IRunner
    {
        public History? Shrunk { get; private set; }

        public void OnStartFixture(Type t)
        {
        }

        public void OnArguments(int ntest, Microsoft.FSharp.Collections.FSharpList<object> args, FSharpFunc<int, FSharpFunc<Microsoft.FSharp.Collections.FSharpList<object>, string>> every)
        {
        }

        public void OnShrink(Microsoft.FSharp.Collections.FSharpList<object> args, FSharpFunc<Microsoft.FSharp.Collections.FSharpList<object>, string> everyShrink) =>
            Shrunk = (History)args.Head;

        public void OnFinished(string name, FsCheck.TestResult result)
        {
        }
    }
}
