using System.Globalization;
using Superpower;
using Superpower.Display;
using Superpower.Model;
using Superpower.Parsers;
using Superpower.Tokenizers;

namespace Payments.Fraud.Rules;

/// <summary>A condition as it was written.</summary>
/// <param name="Position">Place of its first character, from 1.</param>
internal abstract record RuleNode(int Position)
{
    internal sealed record Literal(int Position, RuleValue Value) : RuleNode(Position);

    internal sealed record Reference(int Position, string Text) : RuleNode(Position);

    internal sealed record Compare(int Position, string Operator, RuleNode Left, RuleNode Right) : RuleNode(Position);

    internal sealed record In(int Position, Reference Name, bool IsNot, IReadOnlyList<RuleNode> Values) : RuleNode(Position);

    internal sealed record Known(int Position, Reference Name, bool IsKnown) : RuleNode(Position);

    internal sealed record Not(int Position, RuleNode Operand) : RuleNode(Position);

    internal sealed record Both(int Position, bool IsAnd, RuleNode Left, RuleNode Right) : RuleNode(Position);
}

internal enum RuleToken
{
    [Token(Category = "name")]
    Name,

    [Token(Category = "number")]
    Number,

    [Token(Category = "text")]
    Text,

    [Token(Category = "operator")]
    Operator,

    [Token(Example = "(")]
    Open,

    [Token(Example = ")")]
    Close,

    [Token(Example = ",")]
    Comma,

    [Token(Category = "keyword", Example = "and")]
    And,

    [Token(Category = "keyword", Example = "or")]
    Or,

    [Token(Category = "keyword", Example = "not")]
    Not,

    [Token(Category = "keyword", Example = "in")]
    In,

    [Token(Category = "keyword", Example = "is")]
    Is,

    [Token(Category = "keyword", Example = "known")]
    Known,

    [Token(Category = "keyword", Example = "unknown")]
    Unknown,

    [Token(Category = "keyword", Example = "true")]
    True,

    [Token(Category = "keyword", Example = "false")]
    False,
}

/// <summary>
/// The language of conditions; <c>docs/fraud-rules.md</c> has the grammar. Bounded in length, tokens and depth before anything recurses.
/// </summary>
internal static class RuleGrammar
{
    public const int LongestText = 2_000;
    public const int MostTokens = 400;
    public const int DeepestNesting = 16;

    private static readonly TextParser<TextSpan> NameText = Span.Regex(@"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?");

    private static readonly Tokenizer<RuleToken> Tokens = new TokenizerBuilder<RuleToken>()
        .Ignore(Span.WhiteSpace)
        .Match(Character.EqualTo('('), RuleToken.Open)
        .Match(Character.EqualTo(')'), RuleToken.Close)
        .Match(Character.EqualTo(','), RuleToken.Comma)
        .Match(Span.Regex("(?:!=|<=|>=|=|<|>)"), RuleToken.Operator)
        .Match(Span.Regex(@"-?[0-9]{1,15}(\.[0-9]{1,6})?"), RuleToken.Number, requireDelimiters: true)
        .Match(Span.Regex("'[^'\u0000-\u001f]{0,200}'"), RuleToken.Text)
        .Match(Span.EqualTo("and"), RuleToken.And, requireDelimiters: true)
        .Match(Span.EqualTo("or"), RuleToken.Or, requireDelimiters: true)
        .Match(Span.EqualTo("not"), RuleToken.Not, requireDelimiters: true)
        .Match(Span.EqualTo("in"), RuleToken.In, requireDelimiters: true)
        .Match(Span.EqualTo("is"), RuleToken.Is, requireDelimiters: true)
        .Match(Span.EqualTo("known"), RuleToken.Known, requireDelimiters: true)
        .Match(Span.EqualTo("unknown"), RuleToken.Unknown, requireDelimiters: true)
        .Match(Span.EqualTo("true"), RuleToken.True, requireDelimiters: true)
        .Match(Span.EqualTo("false"), RuleToken.False, requireDelimiters: true)
        .Match(NameText, RuleToken.Name, requireDelimiters: true)
        .Build();

    private static readonly TokenListParser<RuleToken, RuleNode.Reference> Name =
        Token.EqualTo(RuleToken.Name).Select(t => new RuleNode.Reference(At(t), t.ToStringValue()));

    private static readonly TokenListParser<RuleToken, RuleNode> Literal =
        Token.EqualTo(RuleToken.Number).Select(t => Of(t, new RuleValue(decimal.Parse(t.ToStringValue(), CultureInfo.InvariantCulture), null, null)))
            .Or(Token.EqualTo(RuleToken.Text).Select(t => Of(t, new RuleValue(null, t.ToStringValue()[1..^1], null))))
            .Or(Token.EqualTo(RuleToken.True).Select(t => Of(t, new RuleValue(null, null, true))))
            .Or(Token.EqualTo(RuleToken.False).Select(t => Of(t, new RuleValue(null, null, false))));

    private static readonly TokenListParser<RuleToken, RuleNode> Operand = Name.Select(n => (RuleNode)n).Or(Literal);

    private static readonly TokenListParser<RuleToken, RuleNode[]> Values =
        from open in Token.EqualTo(RuleToken.Open)
        from values in Literal.AtLeastOnceDelimitedBy(Token.EqualTo(RuleToken.Comma))
        from close in Token.EqualTo(RuleToken.Close)
        select values;

    // What may follow an operand; nothing where it stands alone.
    private static readonly TokenListParser<RuleToken, Func<RuleNode, RuleNode>> Comparing =
        from comparison in Token.EqualTo(RuleToken.Operator)
        from right in Operand
        select (Func<RuleNode, RuleNode>)(left => new RuleNode.Compare(At(comparison), comparison.ToStringValue(), left, right));

    private static readonly TokenListParser<RuleToken, Func<RuleNode, RuleNode>> Within =
        from not in Token.EqualTo(RuleToken.Not).Optional()
        from within in Token.EqualTo(RuleToken.In)
        from values in Values
        select (Func<RuleNode, RuleNode>)(left => new RuleNode.In(At(within), Named(left), not is not null, values));

    private static readonly TokenListParser<RuleToken, Func<RuleNode, RuleNode>> Knowing =
        from @is in Token.EqualTo(RuleToken.Is)
        from word in Token.EqualTo(RuleToken.Known).Or(Token.EqualTo(RuleToken.Unknown))
        select (Func<RuleNode, RuleNode>)(left => new RuleNode.Known(At(@is), Named(left), word.Kind == RuleToken.Known));

    private static readonly TokenListParser<RuleToken, RuleNode> Comparison =
        from left in Operand
        from rest in Comparing.Or(Within).Or(Knowing).OptionalOrDefault(node => node)
        select rest(left);

    private static readonly TokenListParser<RuleToken, RuleNode> Primary =
        (from open in Token.EqualTo(RuleToken.Open)
         from inner in Superpower.Parse.Ref(() => Either!)
         from close in Token.EqualTo(RuleToken.Close)
         select inner).Or(Comparison);

    private static readonly TokenListParser<RuleToken, RuleNode> Negation =
        (from not in Token.EqualTo(RuleToken.Not)
         from operand in Superpower.Parse.Ref(() => Negation!)
         select (RuleNode)new RuleNode.Not(At(not), operand)).Or(Primary);

    private static readonly TokenListParser<RuleToken, RuleNode> All =
        Superpower.Parse.Chain(Token.EqualTo(RuleToken.And), Negation, (and, left, right) => new RuleNode.Both(At(and), true, left, right));

    private static readonly TokenListParser<RuleToken, RuleNode> Either =
        Superpower.Parse.Chain(Token.EqualTo(RuleToken.Or), All, (or, left, right) => new RuleNode.Both(At(or), false, left, right));

    public static RuleNode? Parse(string text, out ExpressionError? error)
    {
        if (text.Length > LongestText)
        {
            error = new ExpressionError(LongestText + 1, $"A condition has up to {LongestText} characters.");
            return null;
        }

        var tokens = Tokens.TryTokenize(text);
        if (!tokens.HasValue)
        {
            error = new ExpressionError(tokens.ErrorPosition.Absolute + 1, "This cannot be read: a name, number, text in single quotes or operator is expected.");
            return null;
        }

        if (TooMuch(tokens.Value) is { } refused)
        {
            error = refused;
            return null;
        }

        try
        {
            var parsed = Either.AtEnd().TryParse(tokens.Value);
            error = parsed.HasValue ? null : new ExpressionError(
                parsed.ErrorPosition.HasValue ? parsed.ErrorPosition.Absolute + 1 : text.Length + 1, Sentence(parsed.FormatErrorMessageFragment()));
            return parsed.HasValue ? parsed.Value : null;
        }
        catch (MisplacedException e)
        {
            error = new ExpressionError(e.Position, e.Message);
            return null;
        }
    }

    private static ExpressionError? TooMuch(TokenList<RuleToken> tokens)
    {
        var (count, depth) = (0, 0);
        foreach (var token in tokens)
        {
            depth += token.Kind switch
            {
                RuleToken.Open => 1,
                RuleToken.Close => -1,
                _ => 0,
            };
            count++;
            if (count > MostTokens || depth > DeepestNesting)
            {
                return new ExpressionError(At(token), count > MostTokens ? $"A condition has up to {MostTokens} words and signs." : $"Parentheses are nested up to {DeepestNesting} deep.");
            }
        }

        return null;
    }

    private static RuleNode.Reference Named(RuleNode node) => node as RuleNode.Reference ?? throw new MisplacedException(node.Position, "A name is expected here.");

    private static RuleNode Of(Token<RuleToken> token, RuleValue value) => new RuleNode.Literal(At(token), value);

    private static int At(Token<RuleToken> token) => token.Position.Absolute + 1;

    private static string Sentence(string fragment) => fragment.Length == 0 ? "This cannot be read." : $"{char.ToUpperInvariant(fragment[0])}{fragment[1..].TrimEnd('.')}.";

    private sealed class MisplacedException(int position, string message) : Exception(message)
    {
        public int Position { get; } = position;
    }
}
