using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Payments.Platform.Http;

/// <summary>What a caller must show to reach an endpoint: endpoint metadata, read by the front door before the endpoint runs.</summary>
public sealed class Credential
{
    private Credential(CredentialKind kind, string scope = KeyScopes.Write)
    {
        Kind = kind;
        Scope = scope;
    }

    public CredentialKind Kind { get; }

    /// <summary>The scope that requests other than GET need; GET needs <see cref="KeyScopes.Read"/>.</summary>
    public string Scope { get; }

    public static Credential None { get; } = new(CredentialKind.None);
    public static Credential SecretKey { get; } = new(CredentialKind.SecretKey);
    public static Credential PublishableKey { get; } = new(CredentialKind.PublishableKey);
    public static Credential Operator { get; } = new(CredentialKind.Operator);
    public static Credential InternalKey { get; } = new(CredentialKind.InternalKey);
}

public enum CredentialKind
{
    None,
    SecretKey,
    PublishableKey,
    Operator,
    InternalKey,
}

/// <summary>What a secret key may do. Publishable keys may only make tokens.</summary>
public static class KeyScopes
{
    public const string Read = "read";
    public const string Write = "write";

    public static IReadOnlyList<string> All { get; } = [Read, Write];
}

public static class CredentialConventions
{
    /// <summary>A merchant's secret key; <see cref="CallerAccess.Caller"/> tells whose.</summary>
    public static TBuilder RequireSecretKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Credential.SecretKey);

    /// <summary>A merchant's publishable key; <see cref="CallerAccess.Caller"/> tells whose.</summary>
    public static TBuilder RequirePublishableKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Credential.PublishableKey);

    /// <summary>An operator's key; <see cref="CallerAccess.Operator"/> tells whose.</summary>
    public static TBuilder RequireOperator<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Credential.Operator);

    /// <summary>The secret shared by the services.</summary>
    public static TBuilder RequireInternalKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Credential.InternalKey);

    /// <summary>Anyone: the endpoint proves its caller by other means (a provider's signature) or is public.</summary>
    public static TBuilder AllowWithoutKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Credential.None);

    /// <summary>Another limit than 64 KiB for the body of this endpoint.</summary>
    public static TBuilder LimitBody<TBuilder>(this TBuilder builder, int bytes)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new BodyLimit(bytes));
}

/// <summary>Endpoint metadata: the largest body in bytes.</summary>
public sealed record BodyLimit(int Bytes)
{
    public static BodyLimit Default { get; } = new(64 * 1024);

    internal static int Of(HttpContext context) => (context.GetEndpoint()?.Metadata.GetMetadata<BodyLimit>() ?? Default).Bytes;
}
