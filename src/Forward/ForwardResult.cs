namespace Loadline.Forward;

/// <summary>What a forward printed.</summary>
/// <param name="Input">Tokens: a batch of one sequence.</param>
/// <param name="Top">The five largest logits of the last position, the largest first.</param>
public sealed record ForwardResult(IReadOnlyList<IReadOnlyList<int>> Input, IReadOnlyList<TopLogit> Top);

/// <summary>One token's logit.</summary>
/// <param name="Index">The token.</param>
/// <param name="Logit">Its logit.</param>
public sealed record TopLogit(int Index, float Logit);
