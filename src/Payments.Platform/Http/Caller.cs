using Microsoft.AspNetCore.Http;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Platform.Http;

/// <summary>The merchant and key that a request speaks for.</summary>
public readonly record struct Caller(MerchantId MerchantId, Mode Mode, ApiKeyId KeyId, KeyClass Class);

/// <summary>The operator that a request speaks for.</summary>
/// <param name="Person">To whom the key belongs: two keys of one person are one.</param>
public sealed record OperatorIdentity(OperatorKeyId KeyId, string Name, string Person);

/// <summary>Looks operator keys up by hash; only the Api has operators.</summary>
public interface IOperatorDirectory
{
    /// <summary>Null for a key that does not exist or was revoked.</summary>
    Task<OperatorIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken);
}

public static class CallerAccess
{
    /// <summary>Who calls an endpoint that requires a merchant's key.</summary>
    /// <exception cref="InvalidOperationException">The endpoint requires no such key.</exception>
    public static Caller Caller(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var identity = context.KeyIdentity() ?? throw new InvalidOperationException("This endpoint does not require a merchant's key.");
        return new Caller(identity.MerchantId, identity.Mode, identity.KeyId, identity.Class);
    }

    /// <summary>Who calls an endpoint that requires an operator's key.</summary>
    /// <exception cref="InvalidOperationException">The endpoint requires no such key.</exception>
    public static OperatorIdentity Operator(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.OperatorOrNull() ?? throw new InvalidOperationException("This endpoint does not require an operator's key.");
    }

    internal static KeyIdentity? KeyIdentity(this HttpContext context) => context.Features.Get<Identified>()?.Key;

    internal static OperatorIdentity? OperatorOrNull(this HttpContext context) => context.Features.Get<Identified>()?.Operator;

    internal static void Identify(this HttpContext context, KeyIdentity? key, OperatorIdentity? @operator) =>
        context.Features.Set(new Identified(key, @operator));

    private sealed record Identified(KeyIdentity? Key, OperatorIdentity? Operator);
}
