using System.Buffers.Binary;

namespace Payments.Fraud.Features;

/// <summary>
/// A row in few bytes and without loss: two bits per feature say whether it is unknown, zero, a whole number up to 255 (one byte
/// follows) or anything else (four bytes follow).
/// </summary>
public static class FeatureRowCode
{
    private const int Unknown = 0;
    private const int Zero = 1;
    private const int Small = 2;
    private const int Other = 3;

    public static byte[] Encode(ReadOnlySpan<float> row)
    {
        var kinds = (row.Length + 3) / 4;
        Span<byte> code = new byte[kinds + row.Length * sizeof(float)];
        var at = kinds;
        for (var i = 0; i < row.Length; i++)
        {
            var value = row[i];
            var kind = float.IsNaN(value) ? Unknown
                : BitConverter.SingleToInt32Bits(value) == 0 ? Zero
                : value is >= 1 and <= 255 && value == MathF.Truncate(value) ? Small
                : Other;
            code[i / 4] |= (byte)(kind << (i % 4 * 2));
            if (kind == Small)
            {
                code[at++] = (byte)value;
            }
            else if (kind == Other)
            {
                BinaryPrimitives.WriteSingleLittleEndian(code[at..], value);
                at += sizeof(float);
            }
        }

        return code[..at].ToArray();
    }

    /// <exception cref="InvalidDataException">It is not the code of a row of this length.</exception>
    public static void Decode(ReadOnlySpan<byte> code, Span<float> row)
    {
        var at = (row.Length + 3) / 4;
        for (var i = 0; i < row.Length; i++)
        {
            var kind = i / 4 < code.Length ? code[i / 4] >> (i % 4 * 2) & 3 : Unknown;
            var size = kind switch { Small => 1, Other => sizeof(float), _ => 0 };
            if (at + size > code.Length)
            {
                throw new InvalidDataException("A stored row of features is too short.");
            }

            row[i] = kind switch
            {
                Unknown => float.NaN,
                Zero => 0,
                Small => code[at],
                _ => BinaryPrimitives.ReadSingleLittleEndian(code[at..]),
            };
            at += size;
        }

        if (at != code.Length)
        {
            throw new InvalidDataException("A stored row of features is too long.");
        }
    }
}
