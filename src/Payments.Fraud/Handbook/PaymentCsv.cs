using System.Globalization;
using System.IO.Compression;
using Payments.Fraud.Features;

namespace Payments.Fraud.Handbook;

/// <summary>
/// Reads a stream of labelled payments from a CSV file, plain or .gz, with the columns of the Fraud Detection Handbook:
/// transaction_id,tx_time_seconds,customer_id,terminal_id,tx_amount,tx_fraud, oldest first.
/// </summary>
public static class PaymentCsv
{
    public const string Header = "transaction_id,tx_time_seconds,customer_id,terminal_id,tx_amount,tx_fraud";

    public static LabelledPayment[] Read(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = File.OpenRead(path);
        using Stream content = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(content);
        return Read(reader, cancellationToken);
    }

    public static LabelledPayment[] Read(TextReader reader, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (reader.ReadLine() != Header)
        {
            throw new InvalidDataException($"The first line must be {Header}");
        }

        var payments = new List<LabelledPayment>(1 << 20);
        for (var number = 2; reader.ReadLine() is { } line; number++)
        {
            if (number % 65_536 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (!TryParse(line, out var payment) || (payments.Count > 0 && payment.Payment.At < payments[^1].Payment.At))
            {
                throw new InvalidDataException($"Line {number} is not a payment of six columns that is at least as late as the one before: {line}");
            }

            payments.Add(payment);
        }

        return [.. payments];
    }

    private static bool TryParse(ReadOnlySpan<char> line, out LabelledPayment payment)
    {
        payment = default;
        Span<Range> columns = stackalloc Range[7];
        if (line.Split(columns, ',') != 6
            || !long.TryParse(line[columns[0]], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            || !long.TryParse(line[columns[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            || !long.TryParse(line[columns[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var customer)
            || !long.TryParse(line[columns[3]], NumberStyles.None, CultureInfo.InvariantCulture, out var merchant)
            || !decimal.TryParse(line[columns[4]], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            || amount > 1_000_000_000
            || line[columns[5]] is not ("0" or "1"))
        {
            return false;
        }

        payment = new(id, new(customer, merchant, at, (long)(amount * 100)), line[columns[5]] is "1");
        return true;
    }
}
