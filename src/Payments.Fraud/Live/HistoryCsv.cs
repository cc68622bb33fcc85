using System.Globalization;
using System.IO.Compression;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Handbook;

namespace Payments.Fraud.Live;

/// <summary>
/// Reads a history of payments from CSV, plain or .gz, oldest first: the six columns of a stored stream, and behind them, in any order,
/// what a payment tells. Columns of other names are skipped; an empty value is one that nobody told. No value has quotation marks.
/// </summary>
internal sealed class HistoryCsv
{
    private readonly string[] columns;
    private readonly DateTimeOffset epoch;
    private string[] values = [];

    private HistoryCsv(string header, DateTimeOffset epoch)
    {
        columns = header.Split(',');
        this.epoch = epoch;
    }

    /// <summary>Whether a file begins as a stored stream does and tells more than one.</summary>
    public static bool Is(string path)
    {
        using var reader = Open(path);
        return reader.ReadLine() is { } header && header.StartsWith(PaymentCsv.Header + ",", StringComparison.Ordinal);
    }

    /// <param name="epoch">The midnight that seconds count from.</param>
    public static List<HistoricPayment> Read(string path, DateTimeOffset epoch, CancellationToken cancellationToken)
    {
        using var reader = Open(path);
        var file = new HistoryCsv(reader.ReadLine() ?? "", epoch);
        var payments = new List<HistoricPayment>();
        for (var number = 2; reader.ReadLine() is { } line; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                payments.Add(file.Parse(line));
            }
            catch (FormatException e)
            {
                throw new InvalidDataException($"Line {number} is not a payment: {e.Message}", e);
            }

            if (payments.Count > 1 && payments[^1].At < payments[^2].At)
            {
                throw new InvalidDataException($"Line {number} is older than the one before it.");
            }
        }

        return payments;
    }

    private static StreamReader Open(string path)
    {
        var file = File.OpenRead(path);
        return new(path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file);
    }

    private HistoricPayment Parse(string line)
    {
        values = line.Split(',');
        if (values.Length != columns.Length || line.Contains('"', StringComparison.Ordinal))
        {
            throw new FormatException($"{columns.Length} values without quotation marks are expected.");
        }

        var at = Moment("tx_time_seconds") ?? throw new FormatException("tx_time_seconds is required.");
        var fraud = Text("tx_fraud") == "1";
        var known = Moment("known_at_seconds");
        var kind = Text("decline") is null ? PaymentAnswer.Approved : PaymentAnswer.Declined;
        return new(at, Request(), Text("ip_country"), [new(kind, at.AddSeconds(1))], fraud && known is not null ? true : null, fraud ? known : null);
    }

    private FraudRequest Request()
    {
        var currency = Text("currency") ?? "USD";
        var amount = Number("amount_minor") ?? throw new FormatException("amount_minor is required.");
        return new(
            PaymentId.From(IdOf(Number("transaction_id"))), MerchantId.From(IdOf(Number("terminal_id"))), Mode.Test, amount, currency,
            Text("card_fingerprint") ?? $"{Number("customer_id")}", Text("card_brand") ?? "", Text("card_bin") ?? "", Text("card_country"), Text("card_funding"))
        {
            CustomerReference = Text("customer_reference"),
            Method = Text("method") ?? "card",
            Context = Context(),
        };
    }

    private RiskContext? Context()
    {
        var context = new RiskContext(
            Text("ip"), Text("user_agent"), Text("device_id"), Text("email"), Address("billing"), Address("shipping"), Number("session_seconds"), Moment("account_created_seconds"));
        return context == new RiskContext() ? null : context;
    }

    private RiskAddress? Address(string which)
    {
        var address = new RiskAddress(Text(which + "_line1"), null, Text(which + "_city"), Text(which + "_postal_code"), null, Text(which + "_country"));
        return address == new RiskAddress() ? null : address;
    }

    private string? Text(string column)
    {
        var place = Array.IndexOf(columns, column);
        return place < 0 || values[place].Length == 0 ? null : values[place];
    }

    private long? Number(string column) =>
        Text(column) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw new FormatException($"{column} is {text}, not a whole number.");

    private DateTimeOffset? Moment(string column) => Number(column) is { } seconds ? epoch.AddSeconds(seconds) : null;

    /// <summary>The files count payments and merchants; ids are made of the numbers.</summary>
    private static Guid IdOf(long? number) => new(0, 0, 0, BitConverter.GetBytes(number ?? throw new FormatException("transaction_id and terminal_id are required.")));
}
