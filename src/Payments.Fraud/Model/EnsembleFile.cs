using System.Collections.Immutable;
using System.Text.Json;

namespace Payments.Fraud.Model;

/// <summary>A model file that cannot be used; the message says where and why.</summary>
public sealed class EnsembleFormatException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Models as JSON, the format of docs/fraud-model.md. Reading is strict: what is not exactly a model is refused.</summary>
public static class EnsembleFile
{
    public const string Format = "payments-fraud-ensemble";

    public const int Version = 1;

    public const long MostBytes = 64L << 20;

    public static void Save(Ensemble ensemble, string path)
    {
        var beside = path + ".new";
        File.WriteAllBytes(beside, Write(ensemble));
        File.Move(beside, path, overwrite: true);
    }

    public static Ensemble Load(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new EnsembleFormatException($"There is no model file {path}.");
        }

        if (file.Length > MostBytes)
        {
            throw new EnsembleFormatException($"{path} has {file.Length} bytes; a model has at most {MostBytes}.");
        }

        return Read(File.ReadAllBytes(path));
    }

    public static byte[] Write(Ensemble ensemble) => JsonSerializer.SerializeToUtf8Bytes(EnsembleDocument.Of(ensemble), EnsembleDocument.Options);

    public static Ensemble Read(ReadOnlySpan<byte> json)
    {
        EnsembleDocument document;
        try
        {
            document = JsonSerializer.Deserialize<EnsembleDocument>(json, EnsembleDocument.Options) ?? throw new EnsembleFormatException("The file holds null.");
        }
        catch (JsonException e)
        {
            throw new EnsembleFormatException($"Not a model: {e.Message}", e);
        }

        return EnsembleValidation.Check(document);
    }
}
