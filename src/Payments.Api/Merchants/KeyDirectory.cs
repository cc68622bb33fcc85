using Npgsql;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary>Keys of merchants, for this service directly and for others by <c>GET /internal/v1/keys/{sha256}</c>.</summary>
internal sealed class KeyDirectory(NpgsqlDataSource database) : IKeyDirectory
{
    public Task<KeyIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken) => KeyStore.FindAsync(database, sha256Hex, cancellationToken);

    public static async Task<IResult> HandleAsync(string hash, IKeyDirectory directory, CancellationToken cancellationToken) =>
        await directory.FindAsync(hash, cancellationToken) is { } identity ? TypedResults.Ok(identity) : Problems.NotFound("api_key", "hash");
}
