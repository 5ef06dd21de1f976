"""A regressor as features and a model behind them: taken apart, fitted, called."""
