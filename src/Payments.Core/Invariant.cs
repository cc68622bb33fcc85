namespace Payments.Core;

/// <summary>Something that must never be false, checked in Release too. Its twin in SQL is a constraint.</summary>
public static class Invariant
{
    /// <exception cref="InvariantException">The condition is false: a bug, never a user's mistake.</exception>
    public static void Holds(bool condition, string why)
    {
        if (!condition)
        {
            throw new InvariantException(why);
        }
    }
}

/// <summary>A bug was found before it could do harm.</summary>
public sealed class InvariantException(string why) : Exception(why);
