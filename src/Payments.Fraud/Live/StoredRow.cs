using Payments.Fraud.Features;

namespace Payments.Fraud.Live;

/// <summary>A stored row of features in the order of this program, whatever order it was stored in.</summary>
internal static class StoredRow
{
    /// <param name="names">The features of the row as it was stored; null: those of this program.</param>
    public static float[] Decode(ReadOnlySpan<byte> code, string[]? names)
    {
        var row = new float[FeatureCatalogue.Count];
        if (names is null || names.AsSpan().SequenceEqual(FeatureCatalogue.Names.AsSpan()))
        {
            FeatureRowCode.Decode(code, row);
            return row;
        }

        var stored = new float[names.Length];
        FeatureRowCode.Decode(code, stored);
        for (var i = 0; i < row.Length; i++)
        {
            var place = Array.IndexOf(names, FeatureCatalogue.Names[i]);
            row[i] = place < 0 ? float.NaN : stored[place];
        }

        return row;
    }
}
