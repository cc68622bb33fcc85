using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Fraud.Commands;

/// <summary>
/// The options of commands that work on the fraud service's database: <c>--mode</c>, and <c>--merchant</c> for a merchant's own model. The
/// connection comes from the environment, because a command line is read by others.
/// </summary>
internal sealed class StoredModels : IAsyncDisposable
{
    public static readonly string Connection = "ConnectionStrings__" + Names.Databases.Fraud;

    private StoredModels(NpgsqlDataSource database, Mode mode, MerchantId? merchant) => (Database, Mode, Merchant) = (database, mode, merchant);

    public NpgsqlDataSource Database { get; }

    public Mode Mode { get; }

    public MerchantId? Merchant { get; }

    /// <param name="environment">The value of an environment variable.</param>
    public static StoredModels Open(CommandLine options, Func<string, string?> environment)
    {
        var text = options.Required("--mode");
        if (!ModeNames.TryParse(text, out var mode))
        {
            throw new UsageException($"--mode must be live or test, not {text}.");
        }

        MerchantId? merchant = null;
        if (options.Text("--merchant") is { } name)
        {
            merchant = Id.TryParse<MerchantId>(name, out var parsed) ? parsed : throw new UsageException($"--merchant must be the id of a merchant, not {name}.");
        }

        var connection = environment(Connection)
            ?? throw new UsageException($"--mode works on the database of the fraud service: set {Connection}.");
        return new(NpgsqlDataSource.Create(connection), mode, merchant);
    }

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
