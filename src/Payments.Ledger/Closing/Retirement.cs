using Npgsql;
using NpgsqlTypes;
using Payments.Ledger.Chain;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Closing;

/// <summary>
/// Retires months that are older than <see cref="LedgerOptions.RetentionMonths"/>: proves them once more, writes their rows to the
/// archive where there is one, and lets the database drop their partitions, all in one transaction and with a role that may do
/// nothing else.
/// </summary>
public sealed class Retirement(
    NpgsqlDataSource database, IConfiguration configuration, Closings closings, ChainVerification chain, Anchors anchors, LedgerOptions options, ILogger<Retirement> logger)
{
    /// <summary>Retires what is due, oldest first; whatever speaks against a month is logged, and it stays.</summary>
    public async Task RetireDueAsync(CancellationToken cancellationToken)
    {
        while (await DueAsync(cancellationToken) is { } month)
        {
            if (await ObjectionAsync(month, cancellationToken) is { } objection)
            {
                Log.RetirementPostponed(logger, Closings.Name(month), objection);
                return;
            }

            try
            {
                var journals = await RetireAsync(month, cancellationToken);
                Log.MonthRetired(logger, Closings.Name(month), journals);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.ObjectNotInPrerequisiteState or PostgresErrorCodes.DataCorrupted
                or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidParameterValue)
            {
                Log.RetirementPostponed(logger, Closings.Name(month), e.MessageText);
                return;
            }
        }
    }

    private async Task<DateOnly?> DueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT min(c.month) FROM ledger.closings c
            WHERE c.month > coalesce(ledger.horizon(), '-infinity') AND (c.month + interval '1 month') AT TIME ZONE 'UTC' + make_interval(months => $1) <= now()
            """);
        command.Parameters.Add(new() { Value = options.RetentionMonths });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && !await reader.IsDBNullAsync(0, cancellationToken) ? reader.GetFieldValue<DateOnly>(0) : null;
    }

    /// <summary>What the database cannot prove itself: signatures, hashes as this service computes them, and the witness outside.</summary>
    private async Task<string?> ObjectionAsync(DateOnly month, CancellationToken cancellationToken)
    {
        if (await closings.VerifyAsync(cancellationToken) is [var broken, ..])
        {
            return $"The closing of {broken.Subject} is broken: {broken.Detail}";
        }

        await using (var unsettled = database.CreateCommand("SELECT ledger.unsettled_in($1)"))
        {
            unsettled.Parameters.Add(new() { Value = month, NpgsqlDbType = NpgsqlDbType.Date });
            unsettled.CommandTimeout = 0;
            if (await unsettled.ExecuteScalarAsync(cancellationToken) is Guid movement)
            {
                return $"Movement {movement} is in no settlement.";
            }
        }

        var before = (await closings.MonthsAsync(cancellationToken)).LastOrDefault(m => m.Month < month)?.Month;
        var heads = await closings.HeadsAsync(month, cancellationToken);
        if (!(await chain.VerifyAsync(await closings.HeadsAsync(before, cancellationToken), heads, cancellationToken)).Intact)
        {
            return "The hash chain is broken within the month.";
        }

        if (!anchors.Configured)
        {
            return "No heads are anchored outside the database (Payments:Ledger:AnchorFile).";
        }

        var anchored = await anchors.VerifyAsync(cancellationToken);
        return anchored.Breaks is [var first, ..] ? first
            : heads.Values.All(h => anchored.Heads.FirstOrDefault(a => a.Partition == h.Partition) is { } a && a.Seq >= h.Seq) ? null
            : "The month's journals are not covered by an anchor yet.";
    }

    private async Task<long> RetireAsync(DateOnly month, CancellationToken cancellationToken)
    {
        var connectionString = configuration.GetConnectionString(Names.Databases.Ledger)!;
        var role = new ServiceRole(options.DatabaseRole.Length == 0 ? "" : options.RetirementRole);
        await using var retirer = NpgsqlDataSource.Create(role.Apply(connectionString));
        await using var connection = await retirer.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var archive = string.IsNullOrEmpty(options.ArchiveDirectory) ? null : await Archive.WriteAsync(connection, month, options.ArchiveDirectory, cancellationToken);
        await using var retire = new NpgsqlCommand("SELECT ledger.retire_month($1, $2, $3)", connection, transaction)
        {
            Parameters =
            {
                new() { Value = month, NpgsqlDbType = NpgsqlDbType.Date },
                new() { Value = options.RetentionMonths },
                new() { Value = (object?)archive ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
            CommandTimeout = 0,
        };
        var journals = (long)(await retire.ExecuteScalarAsync(cancellationToken))!;
        await transaction.CommitAsync(cancellationToken);
        return journals;
    }
}
