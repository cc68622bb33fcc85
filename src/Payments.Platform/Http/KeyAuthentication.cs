using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Payments.Core.Seams;
using Payments.Platform.Secrets;

namespace Payments.Platform.Http;

/// <summary>Tells who calls, and refuses who may not, by the <see cref="Credential"/> of the endpoint.</summary>
internal sealed class KeyAuthentication(IConfiguration configuration, TimeProvider time)
{
    private readonly RecentLookups<string, KeyIdentity> keys = new(time);
    private readonly RecentLookups<string, OperatorIdentity> operators = new(time);
    private readonly byte[]? internalKey = configuration["Payments:InternalKey"] is { Length: > 0 } key ? HashOf(key) : null;

    /// <summary>Null where the caller may pass.</summary>
    public async ValueTask<Problem?> RefuseAsync(HttpContext context, Credential credential)
    {
        if (credential.Kind == CredentialKind.None)
        {
            return null;
        }

        if (KeyOf(context.Request) is not { } key)
        {
            return Problems.ApiKeyMissing;
        }

        return credential.Kind switch
        {
            CredentialKind.InternalKey => internalKey is not null && CryptographicOperations.FixedTimeEquals(internalKey, HashOf(key)) ? null : Problems.ApiKeyInvalid,
            CredentialKind.Operator => await RefuseOperatorAsync(context, key),
            _ => await RefuseMerchantAsync(context, credential, key),
        };
    }

    private async ValueTask<Problem?> RefuseOperatorAsync(HttpContext context, string key)
    {
        var directory = context.RequestServices.GetRequiredService<IOperatorDirectory>();
        if (await operators.FindAsync(SecretKeys.Hash(key), directory.FindAsync, context.RequestAborted) is not { } identity)
        {
            return Problems.ApiKeyInvalid;
        }

        context.Identify(null, identity);
        return null;
    }

    private async ValueTask<Problem?> RefuseMerchantAsync(HttpContext context, Credential credential, string key)
    {
        var directory = context.RequestServices.GetRequiredService<IKeyDirectory>();
        KeyIdentity? identity;
        try
        {
            identity = await keys.FindAsync(SecretKeys.Hash(key), directory.FindAsync, context.RequestAborted);
        }
        catch (HttpRequestException)
        {
            return Problems.ServiceUnavailable("The key directory");
        }

        if (identity is null)
        {
            return Problems.ApiKeyInvalid;
        }

        if (identity.Class != (credential.Kind == CredentialKind.PublishableKey ? KeyClass.Publishable : KeyClass.Secret))
        {
            return Problems.KeyClassNotAllowed;
        }

        var reads = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        if (identity.Class == KeyClass.Secret && identity.Scopes is { } scopes && !scopes.Contains(reads ? KeyScopes.Read : credential.Scope))
        {
            return Problems.ScopeNotAllowed;
        }

        if (!identity.MerchantActive && !reads)
        {
            return Problems.MerchantSuspended;
        }

        context.Identify(identity, null);
        return null;
    }

    /// <summary>The key of <c>Bearer key</c> or <c>Basic base64(key:)</c>.</summary>
    private static string? KeyOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return header[7..].Trim() is { Length: > 0 } token ? token : null;
        }

        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[6..].Trim(), bytes, out var length))
        {
            return null;
        }

        var user = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2)[0];
        return user.Length > 0 ? user : null;
    }

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
