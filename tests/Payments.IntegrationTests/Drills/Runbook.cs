using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>
/// A runbook whose fenced blocks a drill executes as they are written. The line that opens a block names it: <c>sql DATABASE NAME</c>,
/// <c>http NAME</c> (as an operator) or <c>bash NAME</c>; <c>{name}</c> within it stands for what the reader puts in.
/// </summary>
internal sealed partial class Runbook
{
    private readonly Dictionary<string, Block> blocks;
    private readonly HashSet<string> used = [];

    private Runbook(string name, string text)
    {
        (Name, Text) = (name, text);
        blocks = Fences().Matches(text).Select(m => new Block(m.Groups[1].Value, m.Groups[2].Value.Trim(), m.Groups[3].Value)).ToDictionary(b => b.Name);
    }

    private sealed record Block(string Language, string Info, string Text)
    {
        public string Name => Info.Split(' ')[^1];

        public string Target => Info.Split(' ')[0];
    }

    public static string Folder { get; } = Path.Combine(Root(), "docs", "runbooks");

    public string Name { get; }

    public string Text { get; }

    public static Runbook Open(string name) => new(name, File.ReadAllText(Path.Combine(Folder, name + ".md")));

    /// <summary>Runs an SQL block; rows by column name.</summary>
    public async Task<List<Dictionary<string, object?>>> SqlAsync(string name, Func<string, string> connectionOf, CancellationToken cancellationToken, params (string Name, object Value)[] filled)
    {
        var block = Take(name, "sql");
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionOf(block.Target)) { Pooling = false });
        await using var command = source.CreateCommand(Fill(block.Text, filled));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<Dictionary<string, object?>>();
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, i => reader.IsDBNull(i) ? null : (object?)reader.GetValue(i)));
            }
        }
        while (await reader.NextResultAsync(cancellationToken));
        return rows;
    }

    /// <summary>Sends an HTTP block: the first line is method and path, what follows an empty line is the body.</summary>
    public async Task<(int Status, JsonElement Body)> HttpAsync(string name, HttpClient client, CancellationToken cancellationToken, params (string Name, object Value)[] filled)
    {
        var parts = Fill(Take(name, "http").Text, filled).Trim().Split("\n\n", 2);
        var line = parts[0].Split(' ', 2);
        using var request = new HttpRequestMessage(new HttpMethod(line[0]), new Uri(line[1].Trim(), UriKind.Relative));
        if (line[0] == "POST")
        {
            request.Headers.Add("Idempotency-Key", $"drill-{new IdSource(TimeProvider.System).New<EventId>()}");
        }

        if (parts.Length > 1)
        {
            request.Content = new StringContent(parts[1], System.Text.Encoding.UTF8, "application/json");
        }

        using var answer = await client.SendAsync(request, cancellationToken);
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        return ((int)answer.StatusCode, body.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(body));
    }

    /// <summary>Runs a shell block with these variables; it must succeed.</summary>
    public async Task<string> BashAsync(string name, CancellationToken cancellationToken, params (string Name, object Value)[] variables)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-euo");
        start.ArgumentList.Add("pipefail");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Take(name, "bash").Text);
        foreach (var (key, value) in variables)
        {
            start.Environment[key] = value.ToString();
        }

        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        Assert.True(process.ExitCode == 0, $"{Name}, {name}: exit code {process.ExitCode}\n{await output}\n{await error}");
        return (await output).Trim();
    }

    /// <summary>A block that no drill executes would rot.</summary>
    public void AssertAllExecuted() => Assert.Equal(blocks.Keys.Order(), used.Order());

    private Block Take(string name, string language)
    {
        Assert.True(blocks.TryGetValue(name, out var block) && block.Language == language, $"Runbook {Name} has no {language} block '{name}'.");
        used.Add(name);
        return block;
    }

    private static string Fill(string text, (string Name, object Value)[] filled) =>
        filled.Aggregate(text, (current, one) => current.Replace("{" + one.Name + "}", Convert.ToString(one.Value, System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Payments.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Payments.sln is not above the tests.");
        }

        return folder;
    }

    [GeneratedRegex(@"^```(sql|http|bash) ([^\n]+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fences();
}
