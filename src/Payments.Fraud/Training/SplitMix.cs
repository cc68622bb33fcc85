namespace Payments.Fraud.Training;

/// <summary>A small generator (SplitMix64) whose sequence is part of the trainer's promise: it never changes with the platform.</summary>
internal sealed class SplitMix(long seed)
{
    private ulong state = (ulong)seed;

    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    public int Next(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    private ulong Next()
    {
        state += 0x9E3779B97F4A7C15;
        var mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
