using Npgsql;
using Payments.Platform;

namespace Payments.Ledger;

/// <summary>What a host adds to run this service.</summary>
public static class LedgerModule
{
    /// <summary>The role that the running service takes on (<c>Payments:Ledger:DatabaseRole</c>; empty: it stays the owner).</summary>
    public const string DefaultRole = "ledger_writer";

    public static void AddLedger(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapLedger(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }

    /// <summary>A connection whose sessions begin in <paramref name="role"/>, also after the pool has reset them.</summary>
    public static string WithRole(string connectionString, string role)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        if (!string.IsNullOrEmpty(role))
        {
            parts.Options = $"{parts.Options} -c role={role}".TrimStart();
        }

        return parts.ConnectionString;
    }
}
