using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Commands;

/// <summary>
/// <c>fraud label</c>: says what payments turned out to be, for sources that send no events: a bank's list of chargebacks, an investigation.
/// One payment id a line. The same payment from the same source again changes nothing.
/// </summary>
internal static class LabelCommand
{
    private static readonly string[] Verdicts = ["fraud", "good"];

    public static async Task RunAsync(IReadOnlyList<string> arguments, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--mode", "--payments", "--as", "--source");
        var verdict = options.Required("--as");
        if (!Verdicts.Contains(verdict))
        {
            throw new UsageException($"--as must be fraud or good, not {verdict}.");
        }

        var source = options.Text("--source") ?? "chargeback";
        if (source.Length > 50 || !source.All(c => char.IsAsciiLetterLower(c) || c == '_'))
        {
            throw new UsageException("--source has up to 50 small letters and underscores.");
        }

        var payments = await File.ReadAllLinesAsync(options.ExistingFile("--payments"), cancellationToken);
        var ids = new List<Guid>();
        for (var line = 0; line < payments.Length; line++)
        {
            ids.Add(Id.TryParse<PaymentId>(payments[line].Trim(), out var id) ? id.Value : throw new InvalidDataException($"Line {line + 1} is not the id of a payment."));
        }

        await using var stored = StoredModels.Open(options, environment);

        // It is known from now on, whenever it happened: nobody could have used it before.
        const string sql = """
            INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at)
            SELECT r.mode, r.merchant_id, r.payment_id, $3, $4, clock_timestamp() FROM model_rows AS r
            WHERE r.mode = $1 AND r.payment_id = ANY ($2)
            ON CONFLICT DO NOTHING
            """;
        await using var command = stored.Database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = ModeNames.Of(stored.Mode) });
        command.Parameters.Add(new() { Value = ids.ToArray() });
        command.Parameters.Add(new() { Value = verdict == "fraud" });
        command.Parameters.Add(new() { Value = source });
        var labelled = await command.ExecuteNonQueryAsync(cancellationToken);
        output.WriteLine($"{labelled} of {ids.Count} payments are now labelled as {verdict} by {source}; the others were before, or were never scored in this mode");
    }
}
