using Npgsql;
using Payments.Api.Merchants;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Api.Operators;

/// <summary>
/// What configuration asks to exist when the service starts: the installation's own operator's key (<c>Payments:OperatorKey</c>, while no other
/// one works), and a merchant with keys that were made elsewhere (<c>Payments:Seed:MerchantName|SecretKey|PublishableKey</c>, and
/// <c>RequestsPerSecond</c> where it gets a rate limit of its own; for installations that try things out). Safe to repeat and
/// beside other replicas.
/// </summary>
internal sealed class Seeding(IConfiguration configuration, NpgsqlDataSource database, IdSource ids, TimeProvider time, ILogger<Seeding> logger) : BackgroundService
{
    private const string Lock = "SELECT pg_advisory_xact_lock(hashtext('payments.seeding'))";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private bool done;

    /// <summary>Tries once before the service takes requests, and goes on trying behind them if the database is away.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TrySeedAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!done)
        {
            await Task.Delay(Pause, time, stoppingToken);
            await TrySeedAsync(stoppingToken);
        }
    }

    private async Task TrySeedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (var serialise = new NpgsqlCommand(Lock, connection, transaction))
            {
                await serialise.ExecuteNonQueryAsync(cancellationToken);
            }

            await SeedOperatorAsync(transaction, cancellationToken);
            await SeedMerchantAsync(transaction, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            done = true;
        }
        catch (Exception e) when (Outage.OfDatabase(e))
        {
            Log.SeedingWaits(logger, e);
        }
    }

    private async Task SeedOperatorAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        if (configuration["Payments:OperatorKey"] is not { Length: > 0 } key)
        {
            return;
        }

        if (!key.StartsWith(OperatorKeys.Prefix, StringComparison.Ordinal) || key.Length < OperatorKeys.Prefix.Length + 32)
        {
            throw new InvalidOperationException($"'Payments:OperatorKey' must begin with '{OperatorKeys.Prefix}' and go on with at least 32 random characters.");
        }

        // Where its key was revoked, or nobody has one that names people, a new key in the configuration is the way back. A revoked one stays revoked.
        await using var any = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM operator_keys WHERE hash = $1 OR (person = $2 AND revoked_at IS NULL))", transaction.Connection, transaction).With(SecretKeys.Hash(key), OperatorKeys.Bootstrap);
        if (!(bool)(await any.ExecuteScalarAsync(cancellationToken))!)
        {
            await OperatorKeys.InsertAsync(transaction, ids.New<OperatorKeyId>(), OperatorKeys.Bootstrap, OperatorKeys.Bootstrap, key, cancellationToken);
        }
    }

    private async Task SeedMerchantAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var seed = configuration.GetSection("Payments:Seed");
        if (seed["MerchantName"] is not { Length: > 0 } name || seed["SecretKey"] is not { Length: > 0 } secret || seed["PublishableKey"] is not { Length: > 0 } publishable)
        {
            return;
        }

        var merchant = await OwnerAsync(transaction, secret, cancellationToken);
        if (merchant is null)
        {
            merchant = ids.New<MerchantId>();
            var wanted = CreateMerchant.Of(merchant.Value, new CreateMerchant.Request(name, RateLimit: new RateLimit(seed.GetValue<int?>("RequestsPerSecond"))));
            if (MerchantRules.Check(wanted) is { } invalid)
            {
                throw new InvalidOperationException($"'Payments:Seed' describes no merchant: {invalid.Detail}");
            }

            await MerchantStore.InsertAsync(transaction, wanted, cancellationToken);
        }

        foreach (var (text, @class) in new[] { (secret, KeyClass.Secret), (publishable, KeyClass.Publishable) })
        {
            var mode = Array.Find(Enum.GetValues<Mode>(), m => text.StartsWith(KeyStore.PrefixOf(@class, m), StringComparison.Ordinal));
            if (!text.StartsWith(KeyStore.PrefixOf(@class, mode), StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"'Payments:Seed' keys must begin as '{KeyStore.PrefixOf(KeyClass.Secret, Mode.Test)}' and '{KeyStore.PrefixOf(KeyClass.Publishable, Mode.Test)}' do.");
            }

            var view = new KeyView(ids.New<ApiKeyId>(), "api_key", merchant.Value, mode, @class, "seed", "", null, KeySigningPolicy.None, null, default, null, null);
            await KeyStore.InsertAsync(transaction, view, text, null, cancellationToken);
        }
    }

    private static async Task<MerchantId?> OwnerAsync(NpgsqlTransaction transaction, string key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT merchant_id FROM api_keys WHERE hash = $1", transaction.Connection, transaction).With(SecretKeys.Hash(key));
        return await command.ExecuteScalarAsync(cancellationToken) is Guid id ? new MerchantId(id) : null;
    }
}
