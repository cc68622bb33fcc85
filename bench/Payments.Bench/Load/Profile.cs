using System.Globalization;
using Npgsql;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;

namespace Payments.Bench.Load;

/// <summary>Which statements the time of PostgreSQL goes to, also those within functions, by <c>pg_stat_statements</c>.</summary>
internal sealed class Profile(string connectionString)
{
    private const string Library = "pg_stat_statements";
    private const string Maintenance = "postgres";
    private const int Shown = 25;
    private const int TextLength = 140;
    private readonly string maintenance = Of(connectionString);
    private readonly Dictionary<string, (double Calls, Dictionary<Statement, Spent> Spent)> watched = [];

    /// <summary>With these the server counts statements.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } =
        new Dictionary<string, string> { ["shared_preload_libraries"] = Library, [Library + ".track"] = "all" };

    /// <summary>Makes the server's data in <paramref name="directory"/>, so that the product that starts there counts statements.</summary>
    public static async Task PrepareAsync(string directory, CancellationToken cancellationToken)
    {
        var secrets = await ProductSecrets.LoadAsync(directory, cancellationToken);
        await using var server = await PostgresServer.StartAsync(new() { Directory = directory, Password = secrets.PostgresPassword, Settings = Settings }, cancellationToken);
        var connectionString = server.ConnectionString(Maintenance);
        await EnableAsync(connectionString, cancellationToken);
        foreach (var (name, value) in Settings)
        {
            await ExecuteAsync(connectionString, $"ALTER SYSTEM SET {name} = '{value}'", cancellationToken);
        }
    }

    /// <summary>Makes the view of what is counted.</summary>
    public static Task EnableAsync(string connectionString, CancellationToken cancellationToken) =>
        ExecuteAsync(Of(connectionString), $"CREATE EXTENSION {Library}", cancellationToken);

    /// <summary>What all statements have taken so far.</summary>
    public async Task<IReadOnlyDictionary<Statement, Spent>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(maintenance);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT d.datname, s.query, s.toplevel, sum(s.calls)::float8, sum(s.total_exec_time), sum(s.rows)::float8, sum(s.wal_bytes)::float8
            FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname <> '{Baseline.Database}'
            GROUP BY d.datname, s.query, s.toplevel
            """, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var all = new Dictionary<Statement, Spent>();
        while (await row.ReadAsync(cancellationToken))
        {
            all.Add(new(row.GetString(0), row.GetString(1), row.GetBoolean(2)), new(row.GetDouble(3), row.GetDouble(4), row.GetDouble(5), row.GetDouble(6)));
        }

        return all;
    }

    /// <summary>Adds what was taken between two readings by so many calls of what is measured.</summary>
    public void Add(string name, double calls, IReadOnlyDictionary<Statement, Spent> before, IReadOnlyDictionary<Statement, Spent> after)
    {
        var (earlier, sums) = watched.TryGetValue(name, out var known) ? known : (0, []);
        foreach (var (statement, spent) in after)
        {
            sums[statement] = sums.GetValueOrDefault(statement, Spent.Nothing) + spent - before.GetValueOrDefault(statement, Spent.Nothing);
        }

        watched[name] = (earlier + calls, sums);
    }

    public async Task WriteAsync(TextWriter to)
    {
        foreach (var (name, (calls, spent)) in watched.Where(w => w.Value.Calls > 0))
        {
            var all = spent.Where(s => s.Value.Calls > 0).ToArray();
            await to.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"  statements {name}, a call of {calls:0}: {all.Where(s => s.Key.IsOutermost).Sum(s => s.Value.Milliseconds) / calls:0.000} ms of elapsed time; > is within a function and contained in its time"));
            await to.WriteLineAsync($"  {"database",-15} {"calls",9} {"ms",9} {"rows",9} {"WAL bytes",10}  statement");
            foreach (var (statement, s) in all.OrderByDescending(s => s.Value.Milliseconds).Take(Shown))
            {
                await to.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"  {statement.Database,-15} {s.Calls / calls,9:0.0000} {s.Milliseconds / calls,9:0.0000} {s.Rows / calls,9:0.000} {s.WalBytes / calls,10:0}  {(statement.IsOutermost ? "" : "> ")}{Shorten(statement.Text)}"));
            }
        }
    }

    /// <summary>On one line, the beginning alone.</summary>
    public static string Shorten(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= TextLength ? line : line[..TextLength] + " ...";
    }

    private static string Of(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString) { Database = Maintenance, Pooling = false }.ConnectionString;

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <param name="IsOutermost">A client sent it; otherwise a function runs it.</param>
internal readonly record struct Statement(string Database, string Text, bool IsOutermost);

/// <summary>What a statement took: time that passed, not processor time.</summary>
internal readonly record struct Spent(double Calls, double Milliseconds, double Rows, double WalBytes)
{
    public static Spent Nothing { get; }

    public static Spent operator +(Spent a, Spent b) => new(a.Calls + b.Calls, a.Milliseconds + b.Milliseconds, a.Rows + b.Rows, a.WalBytes + b.WalBytes);

    public static Spent operator -(Spent after, Spent before) =>
        new(after.Calls - before.Calls, after.Milliseconds - before.Milliseconds, after.Rows - before.Rows, after.WalBytes - before.WalBytes);
}
