using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Platform.Idempotency;

/// <summary>Within what a key is unique: a merchant's keys, test and live, secret and publishable, never meet.</summary>
public readonly record struct IdempotencyScope(string Text)
{
    public static IdempotencyScope Of(Caller caller) =>
        new($"{caller.MerchantId}/{ModeNames.Of(caller.Mode)}/{(caller.Class == KeyClass.Secret ? "secret" : "publishable")}");

    /// <summary>For a request that another service authenticated and forwarded.</summary>
    public static IdempotencyScope Of(MerchantId merchant, Mode mode) => new($"{merchant}/{ModeNames.Of(mode)}/secret");

    public static IdempotencyScope Of(OperatorIdentity @operator)
    {
        ArgumentNullException.ThrowIfNull(@operator);
        return new($"operator/{@operator.KeyId}");
    }

    /// <summary>For an operator's request that another service authenticated and forwarded.</summary>
    public static IdempotencyScope Operators { get; } = new("operators");
}
