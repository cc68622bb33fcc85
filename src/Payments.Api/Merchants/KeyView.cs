using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Merchants;

/// <summary>Whether requests of a key are signed: never, if the caller likes, or always.</summary>
public enum KeySigningPolicy
{
    None,
    Optional,
    Required,
}

/// <summary>An API key as operators see it: never the key itself.</summary>
/// <param name="ExpiresAt">Set when the key was rolled and both keys work until then.</param>
public sealed record KeyView(
    ApiKeyId Id,
    string Object,
    MerchantId MerchantId,
    Mode Mode,
    KeyClass Class,
    string? Name,
    string Last4,
    IReadOnlyList<string>? Scopes,
    KeySigningPolicy Signing,
    ApiKeyId? RolledTo,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt);

/// <summary>What is shown once, when a key is made.</summary>
public sealed record NewKeyView(KeyView ApiKey, string Key, string? SigningSecret);
