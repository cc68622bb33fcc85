using System.Globalization;
using System.IO.Compression;
using Payments.Fraud.Commands;
using Payments.Fraud.Handbook;
using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Tests.Fraud.Model;

public sealed class FraudCommandsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fraud-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_model_is_trained_stored_and_explains_a_payment_with_its_score()
    {
        var stream = Path.Combine(folder, "stream.csv.gz");
        var payments = SyntheticStream.Make(days: 75, customers: 40, merchants: 20, seed: 3);
        using (var writer = new StreamWriter(new GZipStream(File.Create(stream), CompressionLevel.Fastest)))
        {
            writer.WriteLine(PaymentCsv.Header);
            foreach (var p in payments)
            {
                writer.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{p.Id},{p.Payment.At},{p.Payment.Card},{p.Payment.Merchant},{p.Payment.AmountMinor / 100m},{(p.Fraud ? 1 : 0)}"));
            }
        }

        var model = Path.Combine(folder, "model.json");
        var trained = Run("train", "--stream", stream, "--output", model, "--version", "first");
        Assert.Equal(0, trained.Code);
        var ensemble = EnsembleFile.Load(model);
        Assert.Equal("first", ensemble.Origin.Version);
        Assert.InRange(ensemble.Origin.Metrics["average_precision"], 0.5, 1);
        Assert.InRange(ensemble.Trees.Length, 1, 1_000);

        var explained = Run("explain", "--model", model, "--stream", stream, "--transaction", payments.Last(p => p.Fraud).Id.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(0, explained.Code);
        Assert.Contains("model first", explained.Output, StringComparison.Ordinal);
        Assert.Contains("merchant_fraud_history", explained.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "Usage", "demote")]
    [InlineData(2, "--mode is required", "promote", "--version", "x")]
    [InlineData(2, "--mode must be live or test", "promote", "--mode", "both")]
    [InlineData(2, "--to must be candidate, challenger or champion", "promote", "--mode", "live", "--to", "retired")]
    [InlineData(2, "--as must be fraud or good", "label", "--mode", "live", "--as", "bad")]
    [InlineData(2, "--merchant must be the id of a merchant", "train", "--mode", "live", "--merchant", "acme")]
    [InlineData(2, "Usage")]
    [InlineData(2, "--handbook is required", "evaluate")]
    [InlineData(2, "there is no file", "evaluate", "--handbook", "/nowhere/file.csv")]
    [InlineData(2, "needs a value", "evaluate", "--handbook")]
    [InlineData(2, "given twice", "evaluate", "--seed", "1", "--seed", "2")]
    [InlineData(2, "Unknown option --fast", "evaluate", "--fast", "1")]
    [InlineData(2, "no trainer forest", "evaluate", "--trainer", "forest")]
    [InlineData(2, "--seed must be a number", "evaluate", "--seed", "x")]
    [InlineData(2, "--output is required", "train", "--stream", "x")]
    [InlineData(2, "there is no file", "explain", "--model", "/nowhere/model.json")]
    public void A_wrong_call_is_told_what_is_wrong(int code, string says, params string[] args)
    {
        var run = Run(args);
        Assert.Equal(code, run.Code);
        Assert.Contains(says, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_without_the_test_weeks_and_a_broken_model_end_with_a_sentence()
    {
        var stream = Path.Combine(folder, "short.csv");
        File.WriteAllText(stream, PaymentCsv.Header + "\n1,10,1,1,5.00,0\n");
        var evaluated = Run("evaluate", "--handbook", stream);
        Assert.Equal(1, evaluated.Code);
        Assert.Contains("ends on 2018-04-01", evaluated.Errors, StringComparison.Ordinal);

        var trained = Run("train", "--stream", stream, "--output", Path.Combine(folder, "m.json"));
        Assert.Equal(1, trained.Code);
        Assert.Contains("too short", trained.Errors, StringComparison.Ordinal);

        var explained = Run("explain", "--model", stream, "--stream", stream, "--transaction", "1");
        Assert.Equal(1, explained.Code);
        Assert.Contains("Not a model", explained.Errors, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Errors) Run(params string[] args)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = FraudCommands.Run(args, [new HistogramTrainer()], output, errors, TestContext.Current.CancellationToken);
        return (code, output.ToString(), errors.ToString());
    }
}
